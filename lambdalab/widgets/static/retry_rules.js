// lambdalab/rules/retries.py once more, so that a plan moves with its sliders. A test in
// tests/browser holds the two against each other. Every number comes from the rulebook.

const REFUSED = new Set(["throttled", "system"]);
const CAUSES = { error: "function-error", throttled: "throttle", system: "system-error" };

const functionErrorDelay = (runs, lag, rules) =>
  (runs <= 1 ? rules.retryFirst : rules.retrySecond) * (1 + lag);

const throttleDelay = (backoffs, lag, rules) =>
  Math.min(rules.backoffMin * 2 ** (Math.max(backoffs, 1) - 1), rules.backoffMax) * (1 + lag);

/** What comes after an attempt: a wait with its cause, or a condition that ends it. */
function afterAttempt(outcome, { runs, backoffs, age }, policy, rules) {
  if (outcome === "success") return { condition: "Success" };
  if (outcome === "error" && runs > policy.retries) return { condition: "RetriesExhausted" };
  const delay =
    outcome === "error"
      ? functionErrorDelay(runs, policy.lag, rules)
      : throttleDelay(backoffs, policy.lag, rules);
  if (age + delay >= policy.age) return { condition: "EventAgeExceeded" };
  return { delay, cause: CAUSES[outcome] };
}

const policyOf = (plan, rules) => ({
  retries: plan.max_retries,
  age: plan.max_age_s,
  lag: plan.late ? rules.lag : 0,
});

/** How an attempt goes that begins at a time, by the plan. */
function outcomeOf(plan, number, time, rules) {
  const reach = plan.until_s >= rules.ageMax ? Infinity : plan.until_s;
  return plan.changed[number] ?? (time < reach ? plan.first : plan.then);
}

/** The attempts of a plan, until its event leaves the queue. */
function scheduled(plan, rules) {
  const policy = policyOf(plan, rules);
  const attempts = [];
  let [time, runs, backoffs] = [0, 0, 0];
  for (let number = 1; ; number += 1) {
    const outcome = outcomeOf(plan, number, time, rules);
    const ran = !REFUSED.has(outcome);
    const end = ran ? time + plan.duration_s : time;
    [runs, backoffs] = ran ? [runs + 1, 0] : [runs, backoffs + 1];
    const decision = afterAttempt(outcome, { runs, backoffs, age: end }, policy, rules);
    attempts.push({ number, time, end, outcome, decision });
    if (decision.condition) return attempts;
    time = end + decision.delay;
  }
}
