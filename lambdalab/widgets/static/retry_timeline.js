// The retry timeline: events of a sandbox as they go, or a plan that is drawn as it is changed.

const AT_LEAST = 60; // s: the axis of events is never shorter
const OLDEST_NEAR = 0.2; // the maximum age is shown once events have come so near to it

class RetryView {
  constructor(model, el, feed, told, signal) {
    this.model = model;
    this.feed = feed;
    this.picture = told;
    this.say = speaker(model);
    this.rules = model.get("rules");
    this.planning = model.get("mode") === "plan";
    this.words = new PlanWords(this.say, model.get("lang"), this.rules);
    this.details = new RetryDetails(this.say, this.planning);
    this.chart = new RetryChart(
      this.say,
      (mark, pinned) => this.details.show(mark, pinned),
      this.planning ? (attempt) => this.turn(attempt) : null,
    );
    this.setting = this.settled = model.get("setting");
    this.past = [];
    this.build(el, signal);
    this.width = this.stage.clientWidth || 700;
    const watch = new ResizeObserver(([{ contentRect }]) => {
      this.width = contentRect.width || this.width;
      this.schedule();
    });
    watch.observe(this.stage);
    const redraw = () => this.schedule();
    feed.watchers.add(redraw);
    const timer = setInterval(() => this.tick(), 250);
    signal.addEventListener("abort", () => {
      feed.watchers.delete(redraw);
      watch.disconnect();
      clearInterval(timer);
    });
    listen(model, "change:state", redraw, signal);
    listen(model, "change:setting", () => this.told(), signal);
    this.update();
  }

  // -- building ---------------------------------------------------------------------------

  build(el, signal) {
    const { say, model, planning } = this;
    const name = model.get("function");
    const title = planning ? say("title") : name ? say("title_of", { function: name }) : say("title_all");
    this.axes = new Map(
      ["log", "linear"].map((axis) => [
        axis,
        html("button", { type: "button", onclick: () => this.scale(axis) }, say(`tool.${axis}`)),
      ]),
    );
    this.tableBox = html("input", { type: "checkbox", onchange: () => this.update() });
    this.undo = html("button", { type: "button", onclick: () => this.back() }, say("tool.undo"));
    this.reset = html("button", { type: "button", onclick: () => this.change(model.get("start"), true) }, say("tool.reset"));
    this.stage = html("div", { class: "lr-stage" }, this.chart.node);
    this.empty = html("div", { class: "lr-empty" }, say("empty"));
    this.more = html("button", { type: "button", onclick: () => model.send({ do: "more" }) });
    this.left = html("p", { class: "lr-left" });
    this.rest = html("div", { class: "ll-tools lr-rest" }, this.left, this.more);
    this.story = html("ol", { class: "lr-steps", "aria-live": "polite" });
    this.said = html("p", { class: "ll-note", role: "status" });
    this.sheet = html("div", { class: "lr-sheet", tabindex: 0, role: "region", "aria-label": say(planning ? "table.caption_plan" : "table.caption") });
    const note = html("p", { class: "ll-note", role: "status" });
    const tell = () => (note.textContent = model.get("note"));
    listen(model, "change:note", tell, signal);
    tell();
    if (planning) this.controls = new PlanControls(model, say, (plan, done) => this.change(plan, done));
    el.append(
      html(
        "div",
        { class: `lambdalab lr-retry${planning ? " lr-planning" : ""}`, lang: model.get("lang") },
        html(
          "div",
          { class: "ll-head" },
          html("span", { class: "ll-title" }, title),
          planning ? null : liveSign(model, say, signal),
          html("span", { class: "ll-space" }),
          html(
            "div",
            { class: "ll-tools", role: "group", "aria-label": say("tool.group") },
            html("label", {}, this.tableBox, say("tool.table")),
            html("span", { class: "ll-join", role: "group", "aria-label": say("tool.axis") }, ...this.axes.values()),
            ...(planning ? [this.undo, this.reset] : []),
          ),
        ),
        this.controls?.node ?? null,
        this.key(),
        this.empty,
        this.stage,
        this.rest,
        ...(planning
          ? [this.said, html("section", { class: "lr-story", "aria-label": say("plan.story") }, this.story)]
          : []),
        this.details.node,
        note,
        this.sheet,
        rulesTable(this.rules, say),
      ),
    );
  }

  key() {
    const entry = (status) =>
      html(
        "li",
        {},
        svg("svg", { width: 18, height: 18, "aria-hidden": true }, retrySign(status, 9, 9)),
        this.say(`outcome.${status}`),
      );
    const wait = (cause) =>
      html(
        "li",
        {},
        svg(
          "svg",
          { width: 34, height: 18, "aria-hidden": true },
          svg("line", { class: `lr-wait lr-cause-${cause}`, x1: 1, x2: 33, y1: 9, y2: 9 }),
        ),
        this.say("legend.wait", { cause: this.say(`cause.${cause}`) }),
      );
    const outcomes = this.planning ? PLAN_OUTCOMES : [...PLAN_OUTCOMES, "running"];
    return html(
      "ul",
      { class: "lr-key" },
      ...outcomes.map(entry),
      ...["function-error", "throttle", "system-error"].map(wait),
    );
  }

  // -- the plan ---------------------------------------------------------------------------

  /** Take a new plan; with `done` it is one step that undo takes back. */
  change(plan, done) {
    this.setting = plan;
    this.said.textContent = "";
    if (done && JSON.stringify(plan) !== JSON.stringify(this.settled)) {
      this.past.push(this.settled);
      this.settled = plan;
      this.save();
    }
    this.update();
  }

  back() {
    if (!this.past.length) return;
    this.setting = this.settled = this.past.pop();
    this.said.textContent = "";
    this.save();
    this.update();
  }

  save() {
    this.saving = true;
    this.model.set("setting", this.setting);
    this.model.save_changes();
    this.saving = false;
  }

  /** The kernel, or another view, has something else. */
  told() {
    const plan = this.model.get("setting");
    if (this.saving || JSON.stringify(plan) === JSON.stringify(this.setting)) return;
    this.setting = this.settled = plan;
    this.update();
  }

  /** Give an attempt the next outcome; all around, it goes by the rule again. */
  turn({ number, at, status }) {
    const next = PLAN_OUTCOMES[(PLAN_OUTCOMES.indexOf(status) + 1) % PLAN_OUTCOMES.length];
    const changed = { ...this.setting.changed };
    delete changed[number];
    if (outcomeOf({ ...this.setting, changed }, number, at, this.rules) !== next) changed[number] = next;
    this.change({ ...this.setting, changed }, true);
    this.said.textContent = this.say("plan.change", { number, outcome: this.say(`outcome.${next}`) });
  }

  // -- drawing ----------------------------------------------------------------------------

  scale(axis) {
    this.chart.axis = axis;
    this.update();
  }

  tick() {
    if (this.planning || this.model.get("state") !== "live" || document.hidden) return;
    if (this.picture.rows.some((row) => row.ended === null)) this.update();
  }

  schedule() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.update();
    });
  }

  update() {
    const { say } = this;
    for (const [axis, button] of this.axes) button.setAttribute("aria-pressed", String(axis === this.chart.axis));
    if (this.planning) this.drawPlan();
    else this.drawEvents();
    this.sheet.hidden = !this.tableBox.checked || !this.rows.length;
    if (this.sheet.hidden) return;
    const told = JSON.stringify(this.rows);
    if (told !== this.tabled || !this.sheet.childElementCount) {
      this.tabled = told;
      this.sheet.replaceChildren(this.details.table(this.rows));
    }
  }

  drawPlan() {
    const { say, setting, rules } = this;
    this.empty.hidden = this.rest.hidden = true;
    this.controls.show(setting);
    this.undo.disabled = !this.past.length;
    this.reset.disabled = JSON.stringify(setting) === JSON.stringify(this.model.get("start"));
    const attempts = scheduled(setting, rules);
    const last = attempts.at(-1);
    const { condition } = last.decision;
    const done = condition === "Success";
    this.rows = [
      {
        id: "plan",
        attempts: attempts.map(({ number, time, end, outcome, decision }) => ({
          number,
          at: time,
          end,
          status: outcome,
          error: null,
          changed: setting.changed[number] !== undefined,
          wait: decision.condition ? null : { ...decision, due: end + decision.delay },
        })),
        ended: last.end,
        condition,
        sent: [],
        count: 1,
        ends: [done ? say("end.done") : say("end.given_up", { condition })],
        endKind: done ? "success" : "error",
      },
    ];
    const to = this.chart.axis === "log" ? rules.ageMax : Math.max(AT_LEAST, last.end) * 1.04;
    this.chart.draw(this.rows, { width: this.width, to, age: setting.max_age_s, names: false, now: 0 });
    const sentences = this.words.sentences(setting, attempts);
    if (JSON.stringify(sentences) !== this.sentences) {
      this.sentences = JSON.stringify(sentences);
      this.story.replaceChildren(
        ...sentences.map((text, index) =>
          html("li", { class: index === sentences.length - 1 ? `lr-last lr-${done ? "success" : "error"}` : null }, text),
        ),
      );
    }
  }

  drawEvents() {
    const { say, feed, picture } = this;
    const live = this.model.get("state") === "live";
    const now = live ? feed.now() : (picture.end ?? 0);
    this.rows = picture.rows.map((row) => ({ ...row, ...this.rowWords(row, now) }));
    this.empty.hidden = this.rows.length > 0;
    this.stage.hidden = !this.rows.length;
    const notes = [];
    if (picture.left) notes.push(say("more", { count: picture.left }));
    if (picture.dropped) notes.push(say("dropped", { count: picture.dropped }));
    this.left.textContent = notes.join(" ");
    this.more.textContent = say("tool.more", { count: picture.page });
    this.more.hidden = !picture.left || this.model.get("state") === "ended";
    this.rest.hidden = !notes.length;
    if (!this.rows.length) {
      this.details.show(null, false);
      return;
    }
    const reached = this.rows.map((row) => {
      const last = row.attempts.at(-1);
      const open = row.ended === null ? Math.max(last?.wait?.due ?? 0, live ? Math.min(now - row.accepted, row.maxAge) : 0) : 0;
      return Math.max(row.ended ?? 0, last?.at ?? 0, last?.end ?? 0, open);
    });
    const furthest = Math.max(AT_LEAST, ...reached);
    const ages = new Set(this.rows.map(({ maxAge }) => maxAge));
    const age = ages.size === 1 && furthest >= OLDEST_NEAR * this.rows[0].maxAge ? this.rows[0].maxAge : null;
    const to = Math.max(furthest * 1.04, age ?? 0);
    this.chart.draw(this.rows, { width: this.width, to, age, names: true, now });
  }

  /** What stands beside a row: its event, and how it ended. */
  rowWords(row, now) {
    const { say } = this;
    const time = clock(row.accepted).slice(0, 8);
    const names = [
      row.count > 1 ? say("row.times", { count: row.count }) : null,
      this.model.get("function") ? null : row.function,
      row.duplicate ? say("row.duplicate") : null,
    ].filter(Boolean);
    const ends = [];
    let endKind = "running";
    const last = row.attempts.at(-1);
    if (row.ended !== null) {
      const done = row.condition === "Success";
      endKind = done ? "success" : "error";
      ends.push(done ? say("end.done") : say("end.given_up", row));
      const sent = row.sent.map(({ kind, to, error }) =>
        say(error ? "end.failed" : "end.sent", { to: `${say(`kind.${kind}`)} ${shortArn(to)}` }),
      );
      if (sent.length) ends.push(sent.join(" "));
      else if (!done) ends.push(say("end.none_sent"));
    } else if (last?.wait) {
      const left = row.accepted + last.wait.due - now;
      const number = last.number + 1;
      ends.push(left > 0 ? say("end.waits", { number, wait: lengthOf(left < 60 ? Math.ceil(left) : left, say) }) : say("end.soon", { number }));
    } else {
      ends.push(last ? say("end.runs", { number: last.number }) : say("end.queued"));
    }
    return { title: shortId(row.request), sub: names.join(" ") || say("row.accepted", { time }), ends, endKind };
  }
}

/** The rows that the kernel sends, whole each time. */
class RetryRows {
  apply({ rows = [], left = 0, dropped = 0, end = null, page = 0 }) {
    Object.assign(this, { rows, left, dropped, end, page });
  }
}

export default () => {
  const told = new RetryRows();
  let feed = null;
  return {
    render({ model, el }) {
      feed ??= new Feed(model, (message) => told.apply(message));
      const gone = new AbortController();
      new RetryView(model, el, feed, told, gone.signal);
      return () => gone.abort();
    },
  };
};
