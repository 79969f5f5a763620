// The concurrency lab: a setting, what the simulator makes of it, and one to compare it with.

const AT_ONCE = 2_600_000; // bytes in three seconds that a Jupyter server surely lets through
const PATIENCE = 4000; // ms until draws are asked for again

/** Unit draws from the kernel: asked for when they are needed, and kept. */
class Draws {
  constructor(model) {
    this.model = model;
    this.known = new Map();
    this.asked = new Map();
    this.sent = [];
    this.watchers = new Set();
    model.on("msg:custom", (message, buffers) => {
      if (message.kind !== "draws" || !buffers?.[0]) return;
      const bytes = buffers[0];
      const whole = bytes.buffer ?? bytes;
      const from = bytes.byteOffset ?? 0;
      // Copied: it need not begin where a double may.
      const copy = whole.slice(from, from + bytes.byteLength);
      this.known.set(message.key, new Float64Array(copy));
      this.asked.delete(message.key);
      for (const watcher of this.watchers) watcher();
    });
  }

  /** Return the draws of each function of a setting, or null while they are on their way. */
  of(setting) {
    const { functions, requests } = asScenario(setting);
    const wanted = functions.map((one) => {
      const kind = durationDraws(one.duration.kind);
      return ["arrivals", ...(kind ? [kind] : [])].map((name) => {
        const key = [setting.seed, one.name, name, requests].join("/");
        return { key, seed: setting.seed, name: one.name, kind: name, count: requests };
      });
    });
    const missing = wanted.flat().filter(({ key }) => !this.known.has(key));
    for (const one of missing) this.ask(one);
    if (missing.length) return null;
    return (index, name) =>
      this.known.get([setting.seed, functions[index].name, name, requests].join("/"));
  }

  ask(one) {
    const now = performance.now();
    if (now - (this.asked.get(one.key) ?? -Infinity) < PATIENCE) return;
    this.sent = this.sent.filter(({ time }) => now - time < 3200);
    const size = 8 * one.count;
    const flying = this.sent.reduce((sum, { bytes }) => sum + bytes, 0);
    clearTimeout(this.later);
    this.later = setTimeout(() => this.watchers.forEach((watcher) => watcher()), 1000);
    if (flying + size > AT_ONCE) return; // soon: the server drops what comes too fast
    this.asked.set(one.key, now);
    this.sent.push({ time: now, bytes: size });
    this.model.send({ do: "draws", ...one });
  }
}

/** What is told about a setting, row by row: name, value as a number, how it is written. */
function rowsOf(shot, say) {
  const { setting, sums } = shot;
  const [one, second] = sums.functions;
  const share = (part, whole) => (whole ? part / whole : 0);
  const percent = (value) => `${figure(100 * value)} %`;
  const time = (value) => (value === null ? say("none") : lasting(value));
  const { usd, words } = shot.cost;
  const rows = [
    ["expected", shot.expected, figure],
    ["mean", one.meanConcurrency, figure],
    ["peak", one.peak, (value) => figure(value, 6)],
    ["environments", one.meanEnvironments, figure],
    ["cold", share(one.cold, one.served), percent, figure(one.cold, 7)],
    ["throttled", share(one.throttled, one.requests), percent, figure(one.throttled, 7)],
    ...reasonsOf(shot).map(({ name, count }) => [
      name,
      share(count, one.requests),
      percent,
      figure(count, 7),
    ]),
  ];
  if (setting.provisioned) {
    const spilled = one.served - one.provisioned;
    rows.push(["spilled", share(spilled, one.served), percent, figure(spilled, 7)]);
  }
  rows.push(["p50", one.p50, time], ["p99", one.p99, time]);
  rows.push(["cost", usd, dollars, words]);
  if (second && second.requests) {
    const { throttled, requests } = second;
    rows.push(["other", share(throttled, requests), percent, figure(throttled, 7)]);
  }
  return rows.map(([name, value, write, aside]) => ({ name, value, write, aside }));
}

/** AWS's reasons with how often each was given. */
function reasonsOf({ setting, sums, rules }) {
  const kind = setting.reserved === null ? "unreserved" : "reserved";
  const counts = new Map();
  for (const [cause, count] of Object.entries(sums.functions[0].causes)) {
    const name = rules.reasons[cause][kind];
    if (count) counts.set(name, (counts.get(name) ?? 0) + count);
  }
  return [...counts].map(([name, count]) => ({ name, count }));
}

class LabView {
  constructor(model, el, draws, signal) {
    this.model = model;
    this.draws = draws;
    this.say = speaker(model);
    this.rules = model.get("rules");
    this.prices = model.get("prices");
    this.setting = model.get("setting");
    this.other = model.get("other");
    this.settled = this.setting; // what undo leads back to
    this.past = [];
    this.shots = new Map();
    this.build(el);
    const redraw = () => this.schedule();
    draws.watchers.add(redraw);
    // Its word is taken for the width: in a frame of its own the picture may not be laid out
    // at all (a theme is being changed, say).
    this.width = this.picture.clientWidth || 600;
    const watch = new ResizeObserver(([{ contentRect }]) => {
      this.width = contentRect.width || this.width;
      redraw();
    });
    watch.observe(this.picture);
    signal.addEventListener("abort", () => {
      draws.watchers.delete(redraw);
      watch.disconnect();
    });
    for (const name of ["setting", "other"]) {
      listen(model, `change:${name}`, () => this.told(name), signal);
    }
    this.update();
  }

  // -- building ---------------------------------------------------------------------------

  build(el) {
    const { say, model } = this;
    const button = (key, action) =>
      html("button", { type: "button", onclick: action }, say(`tool.${key}`));
    const preset = unique("preset");
    const names = Object.keys(model.get("presets"));
    this.preset = html(
      "select",
      { id: preset, onchange: () => this.choose(this.preset.value) },
      html("option", { value: "", hidden: names.includes(model.get("preset")) }, say("preset.own")),
      ...names.map((name) => html("option", { value: name }, say(`preset.${name}`))),
    );
    this.preset.value = model.get("preset");
    this.undo = button("undo", () => this.goBack());
    this.reset = button("reset", () => this.change(this.base(), true));
    this.keep = button("keep", () => this.compare(this.setting));
    this.swap = button("swap", () => {
      const [setting, other] = [this.other, this.setting];
      this.compare(other);
      this.change(setting, true);
    });
    this.alone = button("alone", () => this.compare(null));
    this.sheetButton = html(
      "button",
      { type: "button", "aria-pressed": "false", onclick: () => this.toggleSheet() },
      say("tool.table"),
    );
    this.about = html("p", { class: "ll-about" });
    this.formula = html("p", { class: "ll-formula" });
    this.picture = html("div", { class: "ll-picture" });
    this.waiting = html("p", { class: "ll-waiting", role: "status" });
    this.chart = new Chart(say, (causes, count) => this.explain(causes, count));
    this.why = html("div", { class: "ll-note", role: "status" });
    this.numbers = html("div", { class: "ll-numbers" });
    this.sheet = html("div", {
      class: "ll-sheet",
      tabindex: 0,
      role: "group",
      "aria-label": say("sheet.caption"),
      hidden: true,
    });
    this.fields = [];
    const groups = Object.entries(fieldGroups(this.rules)).map(([name, specs]) => {
      const fields = specs.map(
        (spec) =>
          new Field(spec, say, (value, done) =>
            this.change({ ...this.setting, [spec.name]: value }, done),
          ),
      );
      this.fields.push(...fields);
      return html(
        "fieldset",
        {},
        html("legend", {}, say(`group.${name}`)),
        ...fields.map((field) => field.node),
      );
    });
    this.picture.append(this.chart.node, this.chart.key_);
    el.append(
      html(
        "div",
        { class: "lambdalab ll-concurrency", lang: model.get("lang") },
        html(
          "div",
          { class: "ll-head" },
          html("span", { class: "ll-title" }, say("title")),
          html("label", { for: preset }, say("preset.label"), this.preset),
          html("span", { class: "ll-space" }),
          html("div", { class: "ll-tools" }, this.undo, this.reset, this.sheetButton),
        ),
        this.about,
        html(
          "div",
          { class: "ll-desk" },
          html("div", { class: "ll-fields" }, ...groups),
          html(
            "div",
            { class: "ll-view" },
            this.formula,
            this.waiting,
            this.picture,
            this.why,
            html("div", { class: "ll-tools ll-pair" }, this.keep, this.swap, this.alone),
            this.numbers,
            this.sheet,
          ),
        ),
      ),
    );
  }

  // -- changing ---------------------------------------------------------------------------

  base() {
    return this.model.get("presets")[this.preset.value] ?? this.model.get("start");
  }

  choose(name) {
    this.model.set("preset", name);
    this.change(this.base(), true);
  }

  /** Take a new setting; with `done` it is one step that undo takes back. */
  change(setting, done) {
    this.setting = setting;
    if (done && JSON.stringify(setting) !== JSON.stringify(this.settled)) {
      this.past.push(this.settled);
      this.settled = setting;
      this.save();
    }
    this.why.replaceChildren();
    this.schedule();
  }

  goBack() {
    if (!this.past.length) return;
    this.setting = this.settled = this.past.pop();
    this.save();
    this.why.replaceChildren();
    this.schedule();
  }

  compare(other) {
    this.other = other;
    this.save();
    this.schedule();
  }

  save() {
    this.saving = true;
    this.model.set("setting", this.setting);
    this.model.set("other", this.other);
    this.model.save_changes();
    this.saving = false;
  }

  /** The kernel, or another view, has something else. */
  told(name) {
    if (this.saving || JSON.stringify(this.model.get(name)) === JSON.stringify(this[name])) return;
    this[name] = this.model.get(name);
    if (name === "setting") this.settled = this.setting;
    this.schedule();
  }

  schedule() {
    if (this.planned) return;
    this.planned = true;
    requestAnimationFrame(() => {
      this.planned = false;
      this.update();
    });
  }

  // -- simulating and showing -------------------------------------------------------------

  /** Simulate a setting; `null` if AWS would refuse it, or its draws are not here yet. */
  shoot(setting) {
    const key = JSON.stringify(setting);
    if (this.shots.has(key)) return this.shots.get(key);
    if (Object.keys(problemsOf(setting, this.rules)).length) return null;
    const draws = this.draws.of(setting);
    if (!draws) return null;
    const scenario = asScenario(setting);
    const run = runRequests(scenario, draws, this.rules);
    const sums = addUp(scenario, run, this.prices.billingStep);
    const usd = monthly(sums.functions[0], sums.span, setting, this.prices).total;
    const words = this.say("number.as_of", { read: this.prices.read });
    const expected = rateOf(setting) * setting.duration;
    const { rules } = this;
    const shot = { setting, scenario, run, sums, draws, rules, expected, cost: { usd, words } };
    const keep = JSON.stringify(this.other);
    for (const old of this.shots.keys()) if (old !== keep) this.shots.delete(old);
    this.shots.set(key, shot);
    return shot;
  }

  update() {
    const { say, setting } = this;
    const problems = problemsOf(setting, this.rules);
    for (const field of this.fields) field.show(setting, problems[field.spec.name]);
    this.undo.disabled = !this.past.length;
    this.reset.disabled = JSON.stringify(setting) === JSON.stringify(this.base());
    this.keep.hidden = Boolean(this.other);
    this.swap.hidden = this.alone.hidden = !this.other;
    const name = this.preset.value;
    this.about.textContent = name ? say(`about.${name}`) : "";
    const refused = Object.keys(problems).length > 0;
    const shot = this.shoot(setting);
    const other = this.other && this.shoot(this.other);
    this.picture.classList.toggle("ll-stale", !shot);
    this.waiting.textContent = shot ? "" : say(refused ? "waiting.refused" : "waiting.draws");
    if (!shot) return;
    this.formula.textContent = say(
      setting.arrivals === "burst" ? "formula.burst" : "formula.text",
      {
        rate: figure(rateOf(setting), 4),
        duration: figure(setting.duration, 4),
        product: figure(shot.expected, 4),
      },
    );
    this.chart.draw(shot, other, Math.floor(this.width));
    this.numbers.replaceChildren(other ? this.both(other, shot) : this.cards(shot));
    if (!this.sheet.hidden) this.sheet.replaceChildren(this.table(shot));
  }

  label(name) {
    const names = { name: this.setting.name, other: this.setting.other_name };
    return /^[A-Z]/.test(name) ? name : this.say(`number.${name}`, names);
  }

  cards(shot) {
    const parts = rowsOf(shot, this.say).map(({ name, value, write, aside }) =>
      html(
        "div",
        { class: /^[A-Z]/.test(name) ? "ll-card ll-reason" : "ll-card" },
        html("dt", {}, this.label(name)),
        html("dd", {}, write(value), aside ? html("span", {}, aside) : null),
      ),
    );
    return html("dl", { class: "ll-cards" }, ...parts);
  }

  /** A and B in one table, with what differs between them. */
  both(a, b) {
    const { say } = this;
    const changed = this.fields
      .map(({ spec }) => spec.name)
      .filter((name) => a.setting[name] !== b.setting[name]);
    const told = (setting, name) => {
      const value = setting[name];
      if (value === null) return say("none");
      return typeof value === "string" ? say(`choice.${value}`) : figure(value, 6);
    };
    const [left, right] = [rowsOf(a, say), rowsOf(b, say)];
    const names = [...new Set([...left, ...right].map(({ name }) => name))];
    const row = (title, ...values) =>
      html(
        "tr",
        {},
        html("th", { scope: "row" }, title),
        ...values.map((value) => html("td", {}, value)),
      );
    const results = names.map((name) => {
      const [one, two] = [left, right].map((rows) => rows.find((found) => found.name === name));
      const { write } = one ?? two;
      const said = (known) => (known ? write(known.value) : "–");
      const both = one && two && one.value !== null && two.value !== null;
      const by = both ? two.value - one.value : null;
      const sign = by > 0 ? "+" : by < 0 ? "−" : "±";
      return row(this.label(name), said(one), said(two), by === null ? "–" : sign + write(Math.abs(by)));
    });
    const settings = changed.map((name) =>
      row(say(`field.${name}`), told(a.setting, name), told(b.setting, name), ""),
    );
    return html(
      "table",
      { class: "ll-table" },
      html("caption", {}, say(changed.length ? "compare.caption" : "compare.same")),
      html(
        "thead",
        {},
        html(
          "tr",
          {},
          ...["what", "a", "b", "difference"].map((key) =>
            html("th", { scope: "col" }, say(`compare.${key}`)),
          ),
        ),
      ),
      html("tbody", { class: "ll-settings" }, ...settings),
      html("tbody", {}, ...results),
    );
  }

  // -- why a request was refused ----------------------------------------------------------

  explain(causes, count) {
    const { say, rules } = this;
    const shot = this.shoot(this.setting);
    if (!shot) return;
    const parts = [html("p", { class: "ll-strong" }, say("explain.count", { count: figure(count, 7) }))];
    for (const [cause, known] of Object.entries(causes)) {
      const { seen } = runRequests(shot.scenario, shot.draws, rules, known.place);
      parts.push(...this.reasonFor(shot, cause, known, seen));
    }
    this.why.replaceChildren(...parts);
  }

  reasonFor(shot, cause, known, seen) {
    const { say, rules } = this;
    const { setting, sums } = shot;
    const kind = setting.reserved === null ? "unreserved" : "reserved";
    const page = rules.pages[cause];
    const values = {
      name: setting.name,
      other: setting.other_name,
      request: figure(known.place + 1, 7),
      time: (seen.time - sums.start).toFixed(3),
      pool: say(`pool.${kind}`),
      load: figure(seen.load, 6),
      cap: figure(seen.cap, 6),
      mine: figure(seen.onDemand[0], 6),
      theirs: figure(seen.onDemand[1] ?? 0, 6),
      ready: figure(seen.ready, 6),
      provisioned: figure(setting.provisioned, 6),
      alive: figure(seen.alive, 6),
      second: figure(seen.second, 6),
      quota: figure(seen.quota, 6),
      burst: figure(rules.scalingBurst, 6),
      window: rules.scalingWindow,
      each: rules.ratePerConcurrency,
    };
    const sentences = [say("explain.who", values), say(`explain.${cause}`, values)];
    if (cause === "concurrency") {
      if (seen.shared) sentences.push(say("explain.shared", values));
      sentences.push(say(`explain.rule_${kind}`, values));
    }
    if (setting.provisioned && cause !== "rate") sentences.push(say("explain.provisioned", values));
    return [
      html("p", {}, html("code", {}, `429 ${rules.reasons[cause][kind]}`)),
      html("p", {}, sentences.join(this.model.get("lang") === "en" ? " " : "")),
      html(
        "p",
        { class: "ll-source" },
        html(
          "a",
          { href: page.url, target: "_blank", rel: "noopener" },
          page.url.replace(/^.*\/([^/]+?)(\.html)?$/, "$1"),
        ),
        ` ${say("explain.read", { read: page.read })}`,
      ),
    ];
  }

  // -- the same as a table ----------------------------------------------------------------

  toggleSheet() {
    this.sheet.hidden = !this.sheet.hidden;
    this.sheetButton.setAttribute("aria-pressed", String(!this.sheet.hidden));
    const shot = this.shoot(this.setting);
    if (!this.sheet.hidden && shot) this.sheet.replaceChildren(this.table(shot));
  }

  table(shot) {
    const { say } = this;
    const { setting, sums, run } = shot;
    const shared = sums.functions.length > 1 && run.groups[1] === run.groups[0];
    const lanes = lanesOf(setting, sums, shared);
    const rows = 12;
    const each = BINS / rows;
    const columns = ["used", "own", ...(shared ? ["others"] : []), "idle"];
    const sum = (values, from) => values.slice(from, from + each).reduce((all, one) => all + one, 0);
    const body = Array.from({ length: rows }, (_, row) => {
      const from = row * each;
      const cells = [
        figure(sum(lanes.used, from) / each),
        figure(sum(lanes.own, from) / each),
        ...(shared ? [figure(sum(lanes.others, from) / each)] : []),
        figure(sum(lanes.idle, from) / each),
        figure(sum(sums.bins.cold, from), 7),
        figure(sum(sums.bins.throttled, from), 7),
      ];
      const time = `${figure(from * sums.width)}–${figure((from + each) * sums.width)}`;
      return html(
        "tr",
        {},
        html("th", { scope: "row" }, time),
        ...cells.map((cell) => html("td", {}, cell)),
      );
    });
    const heads = ["time", ...columns, "cold", "refused"].map((key) => say(`sheet.${key}`));
    return html(
      "table",
      { class: "ll-table" },
      html("caption", {}, say("sheet.caption")),
      html("thead", {}, html("tr", {}, ...heads.map((head) => html("th", { scope: "col" }, head)))),
      html("tbody", {}, ...body),
    );
  }
}

/** Requests a second on average, bursts spread over the time between them. */
const rateOf = (setting) =>
  setting.rate + (setting.arrivals === "burst" ? setting.burst_size / setting.burst_every : 0);

export default () => {
  let draws = null;
  return {
    initialize({ model }) {
      draws = new Draws(model);
    },
    render({ model, el }) {
      const gone = new AbortController();
      new LabView(model, el, draws, gone.signal);
      return () => gone.abort();
    },
  };
};
