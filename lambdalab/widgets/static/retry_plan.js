// The controls of the plan: how attempts go, what is set for the event, undo and reset.

const PLAN_OUTCOMES = ["success", "error", "throttled", "system"];

/** Round numbers of seconds on a slider, near each other where time is short. */
function roundSeconds(least, most, zero) {
  const found = zero ? [0] : [];
  for (let time = 1; time <= most; ) {
    if (time >= least) found.push(time);
    const step = [[10, 1], [60, 5], [600, 30], [3600, 300]].find(([end]) => time < end);
    time += step ? step[1] : 1800;
  }
  if (found.at(-1) !== most) found.push(most);
  return found;
}

/** A time: a slider with round steps, a field for exact seconds, and the same in words. */
class TimeField {
  constructor({ name, label, values, words, refuse, change }, say) {
    const id = unique(name);
    this.values = values;
    this.words = words;
    this.refuse = refuse;
    this.change = change;
    this.wrong = html("p", { class: "lr-problem", id: `${id}-wrong`, role: "status" });
    this.input = html("input", {
      id,
      type: "number",
      step: "any",
      min: values[0],
      max: values.at(-1),
      "aria-describedby": this.wrong.id,
      onchange: () => this.typed(),
      // In a notebook, Enter alone changes no field.
      onkeydown: (event) => event.key === "Enter" && this.typed(),
    });
    this.slider = html("input", {
      type: "range",
      min: 0,
      max: values.length - 1,
      step: 1,
      "aria-label": label,
      oninput: () => this.slid(false),
      onchange: () => this.slid(true),
    });
    this.told = html("span", { class: "lr-in-words" });
    this.node = html(
      "div",
      { class: "lr-field", "data-field": name },
      html("label", { for: id }, label),
      html("span", { class: "lr-exact" }, this.input, html("span", { class: "lr-unit" }, say("plan.unit"))),
      this.slider,
      this.told,
      this.wrong,
    );
  }

  slid(done) {
    this.change(this.values[Number(this.slider.value)], done);
  }

  typed() {
    const value = Number(this.input.value);
    const [least, most] = [this.values[0], this.values.at(-1)];
    if (this.input.value.trim() !== "" && value >= least && value <= most) {
      this.wrong.textContent = "";
      if (value !== this.value) this.change(value, true);
    } else {
      // Nothing is changed until it is a number; what was typed stays to be mended.
      this.wrong.textContent = this.refuse(least, most);
    }
    this.input.setAttribute("aria-invalid", String(this.wrong.textContent !== ""));
  }

  show(value) {
    this.value = value;
    const near = (one) => Math.abs(this.values[one] - value);
    const steps = this.values.map((_, index) => index);
    this.slider.value = steps.reduce((best, one) => (near(one) < near(best) ? one : best));
    this.slider.setAttribute("aria-valuetext", this.words(value));
    this.told.textContent = this.words(value);
    if (!this.wrong.textContent || Number(this.input.value) === value) {
      this.input.value = value;
      this.wrong.textContent = "";
    }
  }
}

class PlanControls {
  /** @param change called with the new plan and whether the person is done for now */
  constructor(model, say, change) {
    this.say = say;
    this.rules = model.get("rules");
    this.change = change;
    const { rules } = this;
    const words = (seconds) => lengthOf(seconds, say);
    const refuse = (least, most) =>
      say("plan.refuse", { least: least.toLocaleString("en-US"), most: most.toLocaleString("en-US") });
    const time = (name, key, values, tell = words) =>
      new TimeField(
        {
          name,
          label: say(`plan.${key}`),
          values,
          words: tell,
          refuse,
          change: (value, done) => this.set({ [name]: value }, done),
        },
        say,
      );
    const told = (value) =>
      value === 0 ? say("plan.until_none") : value >= rules.ageMax ? say("plan.until_all") : words(value);
    this.first = this.outcomes("first");
    this.then = this.outcomes("then");
    this.times = {
      until_s: time("until_s", "until", roundSeconds(1, rules.ageMax, true), told),
      max_age_s: time("max_age_s", "max_age", roundSeconds(rules.ageMin, rules.ageMax, false)),
      duration_s: time("duration_s", "duration", roundSeconds(1, rules.longest, true)),
    };
    this.counts = Array.from({ length: rules.retries + 1 }, (_, count) =>
      html(
        "button",
        { type: "button", "aria-pressed": "false", onclick: () => this.set({ max_retries: count }, true) },
        String(count),
      ),
    );
    this.late = html("input", { type: "checkbox", onchange: () => this.set({ late: this.late.checked }, true) });
    const percent = Math.round(100 * rules.lag);
    this.clear = html(
      "button",
      { type: "button", onclick: () => this.set({ changed: {} }, true) },
      say("tool.clear"),
    );
    const retries = unique("retries");
    this.node = html(
      "div",
      { class: "lr-plan" },
      html(
        "fieldset",
        {},
        html("legend", {}, say("plan.controls")),
        this.first.node,
        this.times.until_s.node,
        this.then.node,
        this.clear,
      ),
      html(
        "fieldset",
        {},
        html("legend", {}, say("plan.event")),
        html(
          "div",
          { class: "lr-field lr-choice" },
          html("span", { id: retries }, say("plan.max_retries")),
          html("span", { class: "ll-join", role: "group", "aria-labelledby": retries }, ...this.counts),
        ),
        this.times.max_age_s.node,
        this.times.duration_s.node,
        html("label", { class: "lr-late" }, this.late, say("plan.late", { percent })),
      ),
    );
  }

  outcomes(name) {
    const id = unique(name);
    const input = html(
      "select",
      { id, onchange: () => this.set({ [name]: input.value }, true) },
      ...PLAN_OUTCOMES.map((one) => html("option", { value: one }, this.say(`outcome.${one}`))),
    );
    const label = html("label", { for: id }, this.say(`plan.${name}`));
    return { input, node: html("div", { class: "lr-field lr-choice" }, label, input) };
  }

  set(values, done) {
    this.change({ ...this.plan, ...values }, done);
  }

  show(plan) {
    this.plan = plan;
    this.first.input.value = plan.first;
    this.then.input.value = plan.then;
    for (const [name, field] of Object.entries(this.times)) field.show(plan[name]);
    this.counts.forEach((button, count) => button.setAttribute("aria-pressed", String(count === plan.max_retries)));
    this.late.checked = plan.late;
    this.clear.hidden = !Object.keys(plan.changed).length;
  }
}

/** The rulebook's facts with their pages. */
function rulesTable(rules, say) {
  return html(
    "details",
    { class: "lr-rulebook" },
    html("summary", KEYS_OF_ITS_OWN, say("plan.rules")),
    html(
      "table",
      { class: "ll-table" },
      html(
        "thead",
        {},
        html("tr", {}, ...["fact", "value", "page", "read"].map((key) => html("th", { scope: "col" }, say(`plan.${key}`)))),
      ),
      html(
        "tbody",
        {},
        ...rules.facts.map(({ label, value, url, name, read }) =>
          html(
            "tr",
            {},
            html("th", { scope: "row" }, label),
            html("td", {}, value),
            html("td", {}, url ? html("a", { href: url, target: "_blank", rel: "noopener" }, name) : name),
            html("td", {}, read),
          ),
        ),
      ),
    ),
  );
}
