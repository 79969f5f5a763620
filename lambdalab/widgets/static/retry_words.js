// A plan told step by step. retry_text.py says the same, and a test in tests/browser holds the two
// against each other.

/** Attempts that follow one another with the same outcome. */
function runsOf(attempts) {
  const runs = [];
  for (const one of attempts) {
    if (runs.at(-1)?.[0].outcome === one.outcome) runs.at(-1).push(one);
    else runs.push([one]);
  }
  return runs;
}

class PlanWords {
  constructor(say, lang, rules) {
    this.say = say;
    this.rules = rules;
    this.gap = lang === "zh-TW" ? "" : " ";
  }

  length(seconds) {
    return lengthOf(seconds, this.say);
  }

  /** What happens, a sentence or two for each step. */
  sentences(plan, attempts) {
    let ran = 0;
    const told = runsOf(attempts).flatMap((run) =>
      REFUSED.has(run[0].outcome)
        ? [this.sentBack(run, plan)]
        : run.map((one) => this.run(one, (ran += 1), plan)),
    );
    return [...told, this.end(attempts, ran, plan)];
  }

  sentBack(run, plan) {
    const { say } = this;
    const [first, last] = [run[0], run.at(-1)];
    const waits = run.filter((one) => one.decision.delay).map((one) => one.decision.delay);
    const values = {
      number: first.number,
      at: this.length(first.time),
      what: say(`outcome.${first.outcome}`),
    };
    if (run.length === 1) {
      return waits.length
        ? say("tell.back_one", { wait: this.length(waits[0]), ...values })
        : say("tell.back_end", values);
    }
    const grows = waits.at(-1) > waits[0];
    const text = say(grows ? "tell.back_many" : "tell.back_same", {
      last: last.number,
      until: this.length(last.time),
      first: this.length(waits[0]),
      longest: this.length(waits.at(-1)),
      ...values,
    });
    const most = throttleDelay(Infinity, policyOf(plan, this.rules).lag, this.rules);
    if (!grows || waits.at(-1) !== most) return text;
    const { number } = run[waits.indexOf(most)];
    return text + this.gap + say("tell.capped", { number, wait: this.length(most) });
  }

  run(one, ran, plan) {
    const values = { number: one.number, at: this.length(one.time) };
    if (one.outcome === "success") return this.say("tell.success", values);
    if (one.decision.condition) return this.say("tell.error_end", values);
    const wait = this.length(one.decision.delay);
    return this.say("tell.error", { used: ran, most: plan.max_retries, wait, ...values });
  }

  end(attempts, ran, plan) {
    const { say, rules } = this;
    const last = attempts.at(-1);
    const { condition } = last.decision;
    if (condition === "Success") {
      return say("tell.done", { at: this.length(last.end), count: last.number });
    }
    const policy = policyOf(plan, rules);
    const refused = [...attempts].reverse().findIndex((one) => !REFUSED.has(one.outcome));
    const backoffs = refused < 0 ? attempts.length : refused;
    const wait = backoffs
      ? throttleDelay(backoffs, policy.lag, rules)
      : functionErrorDelay(ran, policy.lag, rules);
    const text = say(`tell.${condition}`, {
      at: this.length(last.end),
      runs: ran,
      most: plan.max_retries,
      next: this.length(last.end + wait),
      age: this.length(plan.max_age_s),
    });
    const used = last.outcome === "error" ? ran - 1 : ran;
    const free = attempts.some((one) => REFUSED.has(one.outcome));
    const left = say(free ? "tell.used_free" : "tell.used", {
      used,
      most: plan.max_retries,
      left: plan.max_retries - used,
    });
    return text + this.gap + left;
  }
}
