// The poller view: a step of time, played or dragged to, and everything as it was then.

const PLAY_MS = 800; // a step, while there are few
const WHOLE_MS = 40_000; // all steps, when there are many
const LEAST_MS = 60;
const LISTED = 6; // steps that are told at a time
const HISTORY = 12; // steps of one record

/** The sign on the button that plays, drawn: not every font has it. */
const playSign = (playing) =>
  svg(
    "svg",
    { width: 12, height: 12, class: "lp-play-sign", "aria-hidden": true },
    svg("path", { d: playing ? "M2 1 h3 v10 h-3 Z M7 1 h3 v10 h-3 Z" : "M2 1 L11 6 L2 11 Z" }),
  );

class PollerViewer {
  constructor(model, el, feed, steps, signal) {
    this.model = model;
    this.feed = feed;
    this.steps = steps;
    this.say = speaker(model);
    this.lanes = new PollerLanes(this.say, (record) => this.explain(record));
    this.at = steps.steps.length;
    this.build(el, signal);
    const heard = () => this.heard();
    feed.watchers.add(heard);
    const timer = setInterval(() => this.tick(), 500);
    signal.addEventListener("abort", () => {
      feed.watchers.delete(heard);
      clearInterval(timer);
      clearTimeout(this.playing);
    });
    listen(model, "change:state", () => this.update(), signal);
    this.update();
  }

  get count() {
    return this.steps.steps.length;
  }

  // -- building ---------------------------------------------------------------------------

  build(el, signal) {
    const { say, model } = this;
    const name = model.get("function");
    const button = (key, text, action) =>
      html("button", { type: "button", title: say(`tool.${key}`), "aria-label": say(`tool.${key}`), onclick: action }, text);
    this.firstButton = button("first", "«", () => this.go(0));
    this.backButton = button("back", "‹", () => this.go(this.at - 1));
    this.playButton = button("play", "", () => this.toggle());
    this.nextButton = button("next", "›", () => this.go(this.at + 1));
    this.lastButton = button("last", "»", () => this.go(this.count));
    this.slider = html("input", {
      type: "range",
      min: 0,
      step: 1,
      "aria-label": say("tool.step"),
      oninput: () => this.go(Number(this.slider.value)),
    });
    this.strip = svg("svg", { class: "lp-strip", height: 14, "aria-hidden": true, preserveAspectRatio: "none" });
    this.where = html("span", { class: "lp-where" });
    this.tableBox = html("input", { type: "checkbox", onchange: () => this.update() });
    this.list = html("ol", { class: "lp-steps", "aria-live": "polite", "aria-label": say("step.title") });
    this.empty = html("div", { class: "lp-empty" }, say("empty"));
    this.dropped = html("p", { class: "ll-note", role: "note" });
    this.details = html("section", { class: "lp-details", "aria-label": say("details.title"), "aria-live": "polite" });
    this.sheet = html("div", { class: "lp-sheet", tabindex: 0, role: "region", "aria-label": say("table.caption") });
    const note = html("p", { class: "ll-note", role: "status" });
    const tell = () => (note.textContent = model.get("note"));
    listen(model, "change:note", tell, signal);
    tell();
    this.body = html(
      "div",
      {},
      html(
        "div",
        { class: "lp-player", role: "group", "aria-label": say("tool.group") },
        html("span", { class: "ll-join" }, this.firstButton, this.backButton, this.playButton, this.nextButton, this.lastButton),
        html("div", { class: "lp-track" }, this.strip, this.slider),
        this.where,
      ),
      this.list,
      this.lanes.node,
      this.dropped,
      this.details,
    );
    el.append(
      html(
        "div",
        { class: "lambdalab lp-poller", lang: model.get("lang") },
        html(
          "div",
          { class: "ll-head" },
          html("span", { class: "ll-title" }, name ? say("title_of", { function: name }) : say("title")),
          liveSign(model, say, signal),
          html("span", { class: "ll-space" }),
          html("div", { class: "ll-tools" }, html("label", {}, this.tableBox, say("tool.table"))),
        ),
        this.empty,
        this.body,
        note,
        this.sheet,
      ),
    );
  }

  // -- time -------------------------------------------------------------------------------

  /** New steps came: who looks at the newest one goes along. */
  heard() {
    const newest = this.at >= (this.knew ?? this.count) || this.steps.cleared;
    this.steps.cleared = false;
    if (newest && !this.playing) this.at = this.count;
    this.schedule();
  }

  schedule() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.update();
    });
  }

  /** A blocked batch comes nearer while nothing happens. */
  tick() {
    if (this.model.get("state") !== "live" || document.hidden || this.at < this.count) return;
    if (this.shown?.some(({ batches }) => [...batches.values()].some(({ due }) => due > this.feed.now() - 2))) this.update();
  }

  go(step) {
    this.stop();
    this.at = Math.min(Math.max(step, 0), this.count);
    this.update();
  }

  toggle() {
    if (this.playing) {
      this.stop();
      this.update();
      return;
    }
    if (this.at >= this.count) this.at = 0;
    this.play();
  }

  play() {
    const rest = Math.max(LEAST_MS, Math.min(PLAY_MS, WHOLE_MS / Math.max(1, this.count)));
    this.playing = setTimeout(() => {
      this.at = Math.min(this.at + 1, this.count);
      if (this.at >= this.count) this.stop();
      else this.play();
      this.update();
    }, rest);
    this.update();
  }

  stop() {
    clearTimeout(this.playing);
    this.playing = null;
  }

  /** Service time at the step that is shown. */
  now() {
    const newest = this.at >= this.count && this.model.get("state") === "live";
    return newest ? this.feed.now() : (this.steps.steps[this.at - 1]?.time ?? 0);
  }

  // -- drawing ----------------------------------------------------------------------------

  update() {
    const { say, count } = this;
    this.at = Math.min(this.at, count);
    this.knew = count;
    const some = count > 0;
    this.empty.hidden = some;
    this.body.hidden = !some;
    this.sheet.hidden = !some || !this.tableBox.checked;
    if (!some) return;
    this.slider.max = count;
    this.slider.value = this.at;
    const step = this.steps.steps[this.at - 1];
    const where = say("tool.at", { step: this.at, count });
    this.slider.setAttribute("aria-valuetext", step ? `${where}: ${step.text}` : where);
    this.where.textContent = step ? `${where} · ${clock(step.time).slice(0, 8)}` : where;
    this.firstButton.disabled = this.backButton.disabled = this.at === 0;
    this.nextButton.disabled = this.lastButton.disabled = this.at === count;
    const playing = say(this.playing ? "tool.pause" : "tool.play");
    this.playButton.replaceChildren(playSign(Boolean(this.playing)));
    this.playButton.title = playing;
    this.playButton.setAttribute("aria-label", playing);
    this.dropped.textContent = this.steps.dropped ? say("dropped", { count: this.steps.dropped }) : "";
    this.drawStrip();
    this.drawList();
    this.shown = this.steps.after(this.at);
    this.lanes.draw(this.shown, this.now());
    this.explain(this.record);
    if (!this.sheet.hidden) this.drawTable();
  }

  /** A tick for each step: tall and red where something went wrong. */
  drawStrip() {
    const { steps } = this.steps;
    if (this.stripped !== `${steps.length}/${steps.at(-1)?.seq}`) {
      this.stripped = `${steps.length}/${steps.at(-1)?.seq}`;
      const path = (bad, top) =>
        svg("path", {
          class: bad ? "lp-bad" : "lp-fine",
          d: steps.map((step, index) => (step.bad === bad ? `M${index + 1} ${top} V14` : "")).join(""),
        });
      this.strip.setAttribute("viewBox", `0 0 ${steps.length} 14`);
      this.needle = svg("path", { class: "lp-needle" });
      this.strip.replaceChildren(path(false, 9), path(true, 2), this.needle);
    }
    this.needle.setAttribute("d", `M${this.at} 0 V14`);
  }

  drawList() {
    const { steps } = this.steps;
    const from = Math.max(0, this.at - LISTED);
    const items = steps.slice(from, this.at).map((step, index, all) => {
      const before = steps[from + index - 1];
      const gap = before ? step.time - before.time : 0;
      return html(
        "li",
        { class: step.bad ? "lp-bad" : null, "aria-current": index === all.length - 1 ? "step" : null },
        html("span", { class: "lp-at", title: clock(step.time) }, gap >= 0.5 ? `+${lengthOf(gap, this.say)}` : ""),
        html("span", { class: "lp-of" }, this.steps.lanes.size > 1 ? (this.steps.lanes.get(step.lane)?.name ?? "") : ""),
        html("span", {}, step.text),
      );
    });
    if (!items.length) items.push(html("li", {}, this.say("step.none")));
    this.list.replaceChildren(...items);
  }

  drawTable() {
    const { say } = this;
    if (this.tabled === this.stripped) return;
    this.tabled = this.stripped;
    const dash = say("dash");
    const columns = ["step", "time", "lane", "what"];
    this.sheet.replaceChildren(
      html(
        "table",
        { class: "ll-table" },
        html("caption", {}, say("table.caption")),
        html("thead", {}, html("tr", {}, ...columns.map((key) => html("th", { scope: "col" }, say(`table.${key}`))))),
        html(
          "tbody",
          {},
          ...this.steps.steps.map((step, index) =>
            html(
              "tr",
              {},
              ...[index + 1, clock(step.time), this.steps.lanes.get(step.lane)?.name ?? dash, step.text].map((cell) =>
                html("td", {}, String(cell)),
              ),
            ),
          ),
        ),
      ),
    );
  }

  /** Tell what is known of a record at this step, and what it went through. */
  explain(record) {
    this.record = record;
    const { say } = this;
    const lane = record && this.shown?.find(({ id }) => id === record.lane);
    const one = lane?.records.get(record.id);
    const history = one ? this.steps.of(record.lane, record.id) : [];
    const told = JSON.stringify([record, one, history.length, this.at]);
    if (told === this.told) return;
    this.told = told;
    if (!one) {
      this.details.replaceChildren(html("p", {}, say("details.none")));
      return;
    }
    const times = (count) => (count === 1 ? say("details.once") : count ? say("details.times", { count }) : say("details.never"));
    const facts = [
      ["place", say(`place.${one.place}`)],
      ...(lane.queue ? [["received", times(one.received)]] : []),
      ["processed", times(one.processed)],
      [lane.queue ? "id_queue" : "id_shard", one.id],
    ];
    const past = history.filter(([index]) => index < this.at).length;
    const from = Math.max(0, Math.min(past - HISTORY + 4, history.length - HISTORY));
    const shown = history.slice(from, from + HISTORY);
    this.details.replaceChildren(
      html(
        "div",
        { class: "lp-details-head" },
        `${say("details.title")} #${one.number} · ${lane.name}`,
        record.followed ? html("span", {}, say("details.followed")) : "",
      ),
      html("dl", {}, ...facts.map(([key, value]) => html("div", {}, html("dt", {}, say(`details.${key}`)), html("dd", {}, value)))),
      html("div", { class: "lp-history-name" }, say("details.history")),
      html(
        "ol",
        { class: "lp-history" },
        ...shown.map(([index, step]) =>
          html("li", { class: index >= this.at ? "lp-to-come" : null }, html("span", { class: "lp-at" }, clock(step.time).slice(0, 8)), step.text),
        ),
      ),
    );
  }
}

export default () => {
  const steps = new PollerSteps();
  let feed = null;
  return {
    render({ model, el }) {
      feed ??= new Feed(model, (message) => steps.apply(message));
      const gone = new AbortController();
      new PollerViewer(model, el, feed, steps, gone.signal);
      return () => gone.abort();
    },
  };
};
