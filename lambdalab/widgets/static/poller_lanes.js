// Draws lanes: what waits on the left, what the function has in the middle, what is over on the right.

const MOST_CHIPS = 40;
const MOST_ENDED = 20; // of those that are over, the newest
/** What stands before a record's number: each place can be told without colour. */
const PLACE_SIGNS = {
  waiting: "",
  gathered: "",
  flight: "▸",
  held: "↻",
  returning: "↩",
  done: "✓",
  filtered: "∅",
  redriven: "⇥",
  discarded: "✕",
};
const STATUS_SIGNS = { running: "▸", success: "✓", partial: "½", error: "✕", throttled: "⊘", blocked: "■" };
const LANE_COUNTERS = ["seen", "invoked", "failed", "throttled", "done", "duplicates", "filtered", "redriven", "discarded", "cuts"];
const ALWAYS_COUNTED = new Set(["seen", "invoked", "done"]);

class PollerLanes {
  /** @param chosen called with what a record is pointed at, focused or followed: {lane, id} or null */
  constructor(say, chosen) {
    this.say = say;
    this.chosen = chosen;
    this.node = html("div", { class: "lp-poller-lanes", onkeydown: (event) => this.key(event) });
  }

  draw(lanes, now) {
    const held = this.node.contains(this.active()) ? this.active().dataset.key : null;
    this.node.replaceChildren(...lanes.map((lane) => this.lane(lane, now)));
    this.chips = [...this.node.querySelectorAll(".lp-chip")];
    const first = this.chips.find(({ dataset }) => dataset.key === this.current) ?? this.chips[0];
    first?.setAttribute("tabindex", "0");
    if (held) (this.chips.find(({ dataset }) => dataset.key === held) ?? first)?.focus({ preventScroll: true });
  }

  active() {
    return this.node.getRootNode().activeElement;
  }

  lane(lane, now) {
    const { say } = this;
    const kind = lane.queue ? "queue" : "shard";
    const records = [...lane.records.values()].sort((a, b) => a.number - b.number);
    const at = (...places) => records.filter(({ place }) => places.includes(place));
    const blocked = [...lane.batches.values()].some(({ status }) => status === "blocked");
    const column = (key, ...nodes) =>
      html("div", { class: `lp-column lp-${key}` }, html("div", { class: "lp-column-name" }, say(`column.${key === "source" ? `source_${kind}` : key}`)), ...nodes);
    return html(
      "section",
      { class: `lp-lane-box${blocked ? " lp-is-blocked" : ""}`, "aria-label": lane.name },
      html(
        "div",
        { class: "lp-lane-head" },
        html("span", { class: "lp-lane-name", title: lane.title }, lane.name),
        lane.state ? html("span", { class: "lp-state" }, say("mapping_state", { state: lane.state })) : null,
        html("span", { class: "ll-space" }),
        this.counters(lane),
      ),
      html(
        "div",
        { class: "lp-flow" },
        column("source", ...this.source(lane, at)),
        html("span", { class: "lp-to", "aria-hidden": true }, "→"),
        column("batches", ...this.batches(lane, at, now)),
        html("span", { class: "lp-to", "aria-hidden": true }, "→"),
        column("ends", ...this.ends(lane, at)),
      ),
    );
  }

  counters(lane) {
    const shown = LANE_COUNTERS.filter((key) => lane.counters[key] || ALWAYS_COUNTED.has(key));
    return html(
      "dl",
      { class: "lp-counters" },
      ...shown.map((key) =>
        html("div", {}, html("dt", {}, this.say(`counter.${key}`)), html("dd", {}, String(lane.counters[key] ?? 0))),
      ),
    );
  }

  source(lane, at) {
    const { say } = this;
    const waiting = at("waiting", "returning");
    const notes = [];
    if (!lane.queue && lane.counters.behind) notes.push(say("here.behind", { count: lane.counters.behind }));
    if (lane.later > 0) notes.push(say("here.later", { count: lane.later }));
    return [
      waiting.length ? this.chipRow(lane, waiting, { first: true, reverse: !lane.queue }) : null,
      ...(["waiting", "returning"].filter((place) => at(place).length).map((place) => html("p", { class: "lp-about-place" }, this.sign(place), say(`place.${place}`)))),
      ...notes.map((text) => html("p", { class: "lp-soft-note" }, text)),
    ];
  }

  sign(place) {
    return PLACE_SIGNS[place] ? html("span", { class: `lp-place-sign lp-at-${place}`, "aria-hidden": true }, PLACE_SIGNS[place]) : "";
  }

  batches(lane, at, now) {
    const { say } = this;
    const gathered = at("gathered");
    const boxes = [...lane.batches.values()].map((batch) => {
      const inside = at("flight", "held").filter((one) => one.batch === batch.id);
      const wait = batch.due === null ? 0 : batch.due - now;
      const status = batch.status === "blocked" && wait <= 0 ? "blocked_now" : batch.status;
      const words = say(`batch.${status}`, { attempt: batch.attempt, wait: lengthOf(Math.max(0, wait), say) });
      const aside = [batch.error, batch.environment && shortId(batch.environment)].filter(Boolean).join(" · ");
      return html(
        "div",
        { class: `lp-batch lp-is-${batch.status}` },
        html("div", { class: "lp-batch-head" }, say("batch.title", { count: batch.size, attempt: batch.attempt })),
        inside.length ? this.chipRow(lane, inside, { first: true, reverse: !lane.queue }) : null,
        html(
          "div",
          { class: "lp-batch-status" },
          html("span", { class: "lp-status-sign", "aria-hidden": true }, STATUS_SIGNS[batch.status]),
          words,
          aside ? html("span", { class: "lp-aside", title: aside }, aside) : "",
        ),
      );
    });
    if (gathered.length) {
      boxes.unshift(
        html(
          "div",
          { class: "lp-batch lp-gathering" },
          this.chipRow(lane, gathered, { first: true }),
          html("div", { class: "lp-batch-status" }, say("place.gathered")),
        ),
      );
    }
    return boxes.length ? boxes : [html("p", { class: "lp-soft-note" }, say("here.none_batches"))];
  }

  ends(lane, at) {
    const { say } = this;
    const { counters } = lane;
    const target = { redriven: counters.dlq, discarded: counters.destination };
    return FINAL_PLACES.filter((place) => counters[place] || place === "done").map((place) => {
      const where = target[place] ? ` → ${shortArn(target[place])}` : "";
      return html(
        "div",
        { class: "lp-end-place" },
        html("p", { class: "lp-about-place" }, this.sign(place), `${say(`place.${place}`)}${where}`, html("b", {}, String(counters[place] ?? 0))),
        this.chipRow(lane, at(place), { first: false }),
      );
    });
  }

  /** Chips of records, the oldest first; of too many, the first or the newest. */
  chipRow(lane, records, { first, reverse = false }) {
    const most = first ? MOST_CHIPS : MOST_ENDED;
    const over = records.length - most;
    const shown = over > 0 ? (first ? records.slice(0, most) : records.slice(-most)) : records;
    const chips = shown.map((one) => this.chip(lane, one));
    if (over > 0) {
      const more = html("span", { class: "lp-more-chips" }, this.say("here.more", { count: over }));
      if (first) chips.push(more);
      else chips.unshift(more);
    }
    return html("div", { class: `lp-chips${reverse ? " lp-reverse" : ""}` }, ...chips);
  }

  chip(lane, record) {
    const { say } = this;
    const key = `${lane.id}|${record.id}`;
    const place = say(`place.${record.place}`);
    const again = lane.queue && record.received > 1;
    const label = say(again ? "record.label_more" : "record.label", { ...record, place });
    const twice = record.processed > 1;
    return html(
      "button",
      {
        type: "button",
        class: `lp-chip lp-at-${record.place}${lane.touched.has(record.id) ? " lp-moved" : ""}${twice ? " lp-twice" : ""}`,
        tabindex: -1,
        "data-key": key,
        "aria-pressed": String(key === this.followed),
        "aria-label": label,
        title: label,
        onfocus: () => this.point(key, true),
        onpointerenter: () => this.point(key, false),
        onpointerleave: () => this.point(null, false),
        onclick: () => this.follow(key),
      },
      PLACE_SIGNS[record.place] ? html("span", { class: "lp-chip-sign" }, PLACE_SIGNS[record.place]) : "",
      String(record.number),
      again || twice ? html("span", { class: "lp-times" }, `×${Math.max(twice ? record.processed : 0, again ? record.received : 0)}`) : "",
    );
  }

  // -- pointing ---------------------------------------------------------------------------

  point(key, focused) {
    if (focused) {
      this.current = key;
      for (const chip of this.chips) chip.setAttribute("tabindex", chip.dataset.key === key ? "0" : "-1");
    }
    this.tell(key ?? this.current);
  }

  follow(key) {
    this.followed = this.followed === key ? null : key;
    for (const chip of this.chips) chip.setAttribute("aria-pressed", String(chip.dataset.key === this.followed));
    this.tell(key);
  }

  tell(key) {
    const name = this.followed ?? key;
    if (!name) {
      this.chosen(null);
      return;
    }
    const at = name.indexOf("|");
    this.chosen({ lane: name.slice(0, at), id: name.slice(at + 1), followed: name === this.followed });
  }

  key(event) {
    const at = this.chips?.indexOf(event.target) ?? -1;
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const aim = {
      ArrowRight: at + 1,
      ArrowDown: at + 1,
      ArrowLeft: at - 1,
      ArrowUp: at - 1,
      Home: 0,
      End: this.chips.length - 1,
    }[event.key];
    if (event.key === "Escape") this.followed = null;
    else if (aim === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") this.follow(null);
    else this.chips[Math.min(Math.max(aim, 0), this.chips.length - 1)].focus();
  }
}
