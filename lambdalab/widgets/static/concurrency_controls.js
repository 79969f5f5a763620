// The concurrency lab's sliders: each with its name, a field for exact numbers, and a place for
// AWS's own words when AWS would refuse what it says.

/** Numbers of two digits from `least` to `most`, 90 to a decade; whole ones if asked for. */
function series(least, most, whole) {
  const found = [];
  for (let power = Math.floor(Math.log10(least)) - 1; 10 ** power < most; power += 1) {
    for (let digits = 10; digits < 100; digits += 1) {
      const value = Number((digits * 10 ** power).toPrecision(3));
      if (value >= least && value <= most && (!whole || Number.isInteger(value))) found.push(value);
    }
  }
  if (found.at(-1) !== most) found.push(most);
  return found;
}

/** Fields in their groups. `zero`: the slider begins with 0; `when`: shown for such settings. */
function fieldGroups(rules) {
  const most = 10_000; // of concurrency: what the picture can still show
  const seconds = [0.001, rules.longest];
  const concurrency = { range: [1, most], whole: true, zero: true };
  return {
    requests: [
      { name: "rate", range: [0.01, 5000], zero: (one) => one.arrivals === "burst" },
      { name: "arrivals", choices: ["poisson", "constant", "burst"] },
      {
        name: "burst_size",
        range: [1, most],
        whole: true,
        when: (one) => one.arrivals === "burst",
      },
      { name: "burst_every", range: [1, 3600], when: (one) => one.arrivals === "burst" },
    ],
    duration: [
      { name: "duration", range: seconds },
      { name: "duration_kind", choices: ["constant", "exponential", "lognormal"] },
      { name: "duration_cv", range: [0.1, 10], when: (one) => one.duration_kind === "lognormal" },
      { name: "init", range: [0.01, 60], zero: true },
      { name: "idle", range: [1, 7200] },
    ],
    limits: [
      { name: "reserved", ...concurrency, optional: 100 },
      { name: "provisioned", ...concurrency },
      { name: "account", range: [10, most], whole: true },
    ],
    others: [
      { name: "other_rate", range: [0.1, 5000], zero: true },
      { name: "other_duration", range: seconds },
      { name: "other_reserved", ...concurrency, optional: 100 },
    ],
    price: [
      { name: "memory", range: [rules.memoryMin, rules.memoryMax], whole: true },
      { name: "architecture", choices: ["x86_64", "arm64"] },
    ],
  };
}

class Field {
  /** @param change called with the new value and whether the person is done for now */
  constructor(spec, say, change) {
    this.spec = spec;
    this.say = say;
    this.change = change;
    const id = unique(spec.name);
    const name = html("label", { for: id }, say(`field.${spec.name}`));
    this.wrong = html("p", { class: "ll-problem", id: `${id}-wrong`, role: "status" });
    if (spec.choices) {
      this.input = html(
        "select",
        { id, onchange: () => change(this.input.value, true) },
        ...spec.choices.map((one) => html("option", { value: one }, say(`choice.${one}`))),
      );
      this.node = html("div", { class: "ll-field ll-choice" }, name, this.input, this.wrong);
      return;
    }
    this.values = series(...spec.range, spec.whole);
    this.input = html("input", {
      id,
      type: "number",
      step: "any",
      min: spec.zero ? 0 : spec.range[0],
      max: spec.range[1],
      "aria-describedby": this.wrong.id,
      oninput: () => this.typed(false),
      onchange: () => this.typed(true),
    });
    this.slider = html("input", {
      type: "range",
      min: 0,
      step: 1,
      "aria-label": say(`field.${spec.name}`),
      "aria-describedby": this.wrong.id,
      oninput: () => this.slid(false),
      onchange: () => this.slid(true),
    });
    this.unit = html("span", { class: "ll-unit" }, say(`unit.${spec.name}`));
    this.check =
      spec.optional &&
      html("input", {
        type: "checkbox",
        "aria-label": say(`use.${spec.name}`),
        onchange: () => change(this.check.checked ? this.before : null, true),
      });
    this.before = spec.optional;
    this.node = html(
      "div",
      { class: "ll-field", "data-field": spec.name },
      html("span", { class: "ll-field-name" }, this.check || null, name),
      html("span", { class: "ll-exact" }, this.input, this.unit),
      this.slider,
      this.wrong,
    );
  }

  /** The numbers the slider runs through; some begin with nothing at all. */
  steps(setting) {
    const { zero } = this.spec;
    const begins = typeof zero === "function" ? zero(setting) : zero;
    return begins ? [0, ...this.values] : this.values;
  }

  slid(done) {
    const value = this.now[Number(this.slider.value)];
    this.input.value = value;
    this.slider.setAttribute("aria-valuetext", `${value} ${this.unit.textContent}`);
    this.change(value, done);
  }

  typed(done) {
    const { spec } = this;
    const text = this.input.value.trim();
    const value = Number(text);
    const [least, most] = [this.now[0], spec.range[1]];
    const fine =
      text !== "" && value >= least && value <= most && (!spec.whole || Number.isInteger(value));
    if (fine) {
      this.change(value, done);
      return;
    }
    // Nothing is changed until it is a number; what was typed stays to be mended.
    const key = spec.whole ? "refuse.whole" : "refuse.number";
    this.wrongly(this.say(key, { least: figure(least, 6), most: figure(most, 6) }));
  }

  wrongly(said, why = "") {
    const told = said ? [html("span", { "aria-hidden": true }, "✕ "), said] : [];
    if (this.told === said + why) return;
    this.told = said + why;
    this.wrong.replaceChildren(...told, ...(why ? [html("span", { class: "ll-why" }, why)] : []));
    for (const input of [this.input, this.slider]) input?.setAttribute("aria-invalid", Boolean(said));
  }

  /** Show a setting; the field that is being typed in is left alone. */
  show(setting, problem) {
    const { spec, say } = this;
    this.node.hidden = spec.when ? !spec.when(setting) : false;
    const value = setting[spec.name];
    const typing = this.input.getRootNode().activeElement === this.input;
    if (spec.choices) {
      this.input.value = value;
      return;
    }
    this.now = this.steps(setting);
    const off = value === null;
    if (!off) this.before = value;
    const shown = off ? this.before : value;
    if (!typing) this.input.value = shown;
    this.wrongly(problem ? problem.said : "", problem ? say(problem.why, problem.values) : "");
    this.slider.max = this.now.length - 1;
    this.slider.value = nearest(this.now, shown);
    this.slider.setAttribute("aria-valuetext", `${shown} ${this.unit.textContent}`);
    if (this.check) {
      this.check.checked = !off;
      this.input.disabled = this.slider.disabled = off;
    }
  }
}

function nearest(values, value) {
  let best = 0;
  for (let place = 1; place < values.length; place += 1) {
    if (Math.abs(values[place] - value) < Math.abs(values[best] - value)) best = place;
  }
  return best;
}
