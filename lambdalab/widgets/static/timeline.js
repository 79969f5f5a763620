// Draws the lanes and bars that lanes.py makes of the event log. It decides nothing itself.

const LETTERED_PX = 16; // a bar this wide has room for its letter
const ZOOM = 1.5;
const MOST_ZOOM = 20000;

class TimelineView {
  constructor(model, el, feed, picture, signal) {
    this.model = model;
    this.feed = feed;
    this.picture = picture;
    this.say = speaker(model);
    this.weave = unique("weave");
    this.nodes = new Map();
    this.zoom = 1;
    this.left = 0;
    this.following = true;
    this.compress = true;
    this.current = null;
    this.pinned = null;
    this.build(el, signal);
    const redraw = () => this.schedule();
    feed.watchers.add(redraw);
    const watch = new ResizeObserver(redraw);
    watch.observe(this.root);
    const timer = setInterval(() => this.tick(), 250);
    signal.addEventListener("abort", () => {
      feed.watchers.delete(redraw);
      watch.disconnect();
      clearInterval(timer);
    });
    listen(model, "change:state", redraw, signal);
    this.draw();
  }

  // -- building ---------------------------------------------------------------------------

  build(el, signal) {
    const { say, model } = this;
    const name = model.get("function");
    this.compressBox = html("input", {
      type: "checkbox",
      checked: true,
      onchange: () => {
        this.compress = this.compressBox.checked;
        this.show(1);
      },
    });
    this.tableBox = html("input", { type: "checkbox", onchange: () => this.draw() });
    const button = (key, text, action) =>
      html(
        "button",
        { type: "button", title: say(key), "aria-label": say(key), onclick: action },
        text,
      );
    this.lanesNode = html("div", { class: "ll-lanes" });
    this.plot = svg("svg", {
      class: "ll-plot",
      role: "group",
      onkeydown: (event) => this.key(event),
      onpointerdown: (event) => this.drag(event),
    });
    this.clip = svg("rect", {});
    this.under = svg("g", {});
    this.gutter = svg("g", {});
    this.layer = svg("g", { "clip-path": `url(#${this.weave}-clip)` });
    this.plot.append(
      weaves(this.weave),
      svg("clipPath", { id: `${this.weave}-clip` }, this.clip),
      this.under,
      this.gutter,
      this.layer,
    );
    this.axis = svg("svg", { height: 38, "aria-hidden": true });
    this.empty = html("div", { class: "ll-empty" }, say("timeline.empty"));
    this.dropped = html("p", { class: "ll-note", role: "note" });
    this.lanesNode.append(this.plot);
    this.chart = html("div", {}, this.lanesNode, html("div", { class: "ll-axis" }, this.axis));
    this.details = html("section", {
      class: "ll-details",
      "aria-label": say("timeline.details.title"),
      "aria-live": "polite",
    });
    this.sheet = html("div", { class: "ll-sheet", tabindex: 0, role: "region" });
    this.sheet.setAttribute("aria-label", say("timeline.table.caption"));
    const note = html("p", { class: "ll-note", role: "status" });
    const tell = () => (note.textContent = model.get("note"));
    listen(model, "change:note", tell, signal);
    tell();
    this.root = html(
      "div",
      { class: "lambdalab ll-timeline", lang: model.get("lang") },
      html(
        "div",
        { class: "ll-head" },
        html(
          "span",
          { class: "ll-title" },
          name ? say("timeline.title_of", { function: name }) : say("timeline.title"),
        ),
        liveSign(model, say, signal),
        html("span", { class: "ll-space" }),
        html(
          "div",
          { class: "ll-tools", role: "group", "aria-label": say("timeline.tool.group") },
          html("label", {}, this.compressBox, say("timeline.tool.compress")),
          html("label", {}, this.tableBox, say("timeline.tool.table")),
          html(
            "span",
            { class: "ll-join" },
            button("timeline.tool.earlier", "‹", () => this.pan(-0.4)),
            button("timeline.tool.zoom_out", "−", () => this.rescale(1 / ZOOM)),
            button("timeline.tool.fit", say("timeline.tool.fit"), () => this.show(1)),
            button("timeline.tool.zoom_in", "+", () => this.rescale(ZOOM)),
            button("timeline.tool.later", "›", () => this.pan(0.4)),
          ),
        ),
      ),
      this.legend(),
      this.empty,
      this.chart,
      this.dropped,
      this.details,
      idleControl(model, say, signal),
      note,
      this.sheet,
    );
    el.append(this.root);
  }

  legend() {
    const { say } = this;
    const letters = this.model.get("labels");
    const sample = (kind) => {
      const letter = letters[`timeline.letter.${kind}`];
      return svg(
        "svg",
        { width: 34, height: 28, class: `ll-${kind}`, "aria-hidden": true },
        ...barShapes(kind, 1, 33, 14, this.weave, 0.85),
        letter ? svg("text", { class: "ll-word", x: 17, y: 18, "text-anchor": "middle" }, letter) : null,
      );
    };
    const signed = (mark) =>
      svg("svg", { width: 18, height: 18, "aria-hidden": true }, sign(mark, 9, 9));
    const entry = (picture, text) => html("li", {}, picture, text);
    return html(
      "ul",
      { class: "ll-key", "aria-label": say("timeline.legend.title") },
      ...Object.keys(HEIGHTS).map((kind) =>
        entry(sample(kind), say(`timeline.legend.${kind}`)),
      ),
      ...Object.keys(SIGNS).map((mark) => entry(signed(mark), say(`timeline.mark.${mark}`))),
    );
  }

  // -- time -------------------------------------------------------------------------------

  /** Where the axis ends: now, while something lasts and more will be told. */
  now() {
    const lasts = this.items.some((item) => isBar(item) && item.end === undefined);
    if (this.model.get("state") !== "live" || !lasts) return this.picture.end;
    return Math.max(this.feed.now(), this.picture.end ?? 0);
  }

  tick() {
    if (this.model.get("state") !== "live" || document.hidden || !this.root.isConnected) return;
    this.beat = (this.beat ?? 0) + 1;
    const open = [...this.picture.items.values()].filter((item) => isBar(item) && !item.end);
    if (open.some((bar) => ACTIVE.has(bar.phase)) || (open.length && this.beat % 4 === 0)) {
      this.draw();
    }
  }

  schedule() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  // -- drawing ----------------------------------------------------------------------------

  draw() {
    const { picture } = this;
    const total = this.lanesNode.clientWidth;
    const some = picture.items.size > 0;
    this.empty.hidden = some;
    this.chart.hidden = !some;
    this.dropped.textContent = picture.dropped
      ? this.say("timeline.dropped", { count: picture.dropped })
      : "";
    this.sheet.hidden = !this.tableBox.checked || !some;
    this.items = picture.sorted();
    if (!this.items.some((item) => item.id === this.current)) this.current = null;
    if (!this.items.some((item) => item.id === this.pinned)) this.pinned = null;
    this.drawTable();
    if (!some) {
      for (const node of this.nodes.values()) node.remove();
      this.nodes.clear();
      this.tell(null);
      return;
    }
    if (!total) return; // not laid out yet: the observer calls again
    this.measure(total);
    this.drawLanes();
    this.drawItems();
    this.drawAxis();
    this.tell(this.pinned ?? this.hovered ?? this.focused ?? null);
  }

  measure(total) {
    const { picture } = this;
    this.gutterPx = total < 640 ? 124 : 176;
    this.width = total - this.gutterPx - 14;
    const rows = [...picture.lanes.values()];
    this.refused = this.items.some((item) => !isBar(item));
    this.rowPx = rows.length > 8 ? 34 : 44;
    this.rows = new Map(rows.map((lane, row) => [lane.id, row]));
    this.height = (rows.length + (this.refused ? 1 : 0)) * this.rowPx;
    const end = Math.max(this.now(), picture.end);
    const begin = picture.start;
    this.end = end;
    this.pieces = cut(activeSpans(this.items, end), begin, end, this.compress);
    this.world = layOut(this.pieces, this.width, this.zoom);
    const most = Math.max(0, this.world - this.width);
    this.left = this.following ? most : Math.min(most, Math.max(0, this.left));
  }

  x(time) {
    return this.gutterPx + place(this.pieces, time) - this.left;
  }

  row(item) {
    return isBar(item) ? this.rows.get(item.lane) : this.rows.size;
  }

  laneOf(item) {
    const { picture, say } = this;
    if (!isBar(item)) return { title: say("timeline.throttled"), id: "" };
    const lane = picture.lanes.get(item.lane);
    return { title: `${lane.function}:${lane.version}`, id: shortId(lane.id), lane };
  }

  drawLanes() {
    const { picture, say } = this;
    const width = this.gutterPx + this.width + 14;
    this.plot.setAttribute("width", width);
    this.plot.setAttribute("height", this.height);
    this.plot.setAttribute(
      "aria-label",
      say("timeline.chart", { lanes: picture.lanes.size, items: this.items.length }),
    );
    for (const [key, value] of Object.entries({
      x: this.gutterPx,
      y: 0,
      width: this.width + 14,
      height: this.height,
    })) {
      this.clip.setAttribute(key, value);
    }
    const under = [];
    for (const piece of this.pieces.filter((one) => one.gap)) {
      const left = this.gutterPx + piece.at - this.left;
      if (left + piece.px < this.gutterPx || left > width) continue;
      const from = Math.max(left, this.gutterPx);
      under.push(
        svg("rect", {
          class: "ll-break",
          x: from,
          y: 0,
          width: Math.max(0, left + piece.px - from),
          height: this.height,
        }),
        this.tear(left),
        this.tear(left + piece.px),
      );
    }
    const names = [];
    const letters = Math.floor((this.gutterPx - 14) / 6.6);
    const shorten = (text) => (text.length > letters ? `${text.slice(0, letters - 1)}…` : text);
    const name = (title, id, row) => {
      const middle = (row + 0.5) * this.rowPx;
      under.push(
        svg("line", {
          class: "ll-rule",
          x1: 0,
          x2: width,
          y1: (row + 1) * this.rowPx,
          y2: (row + 1) * this.rowPx,
        }),
      );
      names.push(
        svg("text", { class: "ll-name", x: 2, y: middle - (id ? 2 : -4) }, shorten(title), svg("title", {}, title)),
      );
      if (id) names.push(svg("text", { class: "ll-id", x: 2, y: middle + 12 }, id));
    };
    for (const lane of picture.lanes.values()) {
      name(`${lane.function}:${lane.version}`, shortId(lane.id), this.rows.get(lane.id));
    }
    if (this.refused) name(say("timeline.throttled"), "", this.rows.size);
    this.under.replaceChildren(...under);
    this.gutter.replaceChildren(...names);
  }

  /** A torn edge from top to bottom: the time axis is broken here. */
  tear(x) {
    if (x < this.gutterPx) return "";
    let line = `M${x} 0`;
    for (let y = 0, side = 2; y < this.height; y += 6, side = -side) {
      line += ` L${x + side} ${Math.min(y + 3, this.height)}`;
    }
    return svg("path", { class: "ll-tear", d: line });
  }

  drawItems() {
    const seen = new Set();
    const rightmost = this.gutterPx + this.width + 14;
    const first = this.current ?? this.items.find((item) => item.phase !== "frozen")?.id;
    const order = [];
    for (const item of this.items) {
      const left = this.x(beginning(item));
      const right = isBar(item) ? this.x(item.end ?? this.end) : left;
      if (right < this.gutterPx - 12 || left > rightmost) continue;
      seen.add(item.id);
      let node = this.nodes.get(item.id);
      if (!node) {
        node = svg("g", {
          role: "button",
          tabindex: -1,
          "data-id": item.id,
          onfocus: () => this.focus(item.id),
          onblur: () => this.blur(item.id),
          onpointerenter: () => this.hover(item.id),
          onpointerleave: () => this.hover(null),
          onclick: () => this.pin(item.id),
        });
        this.nodes.set(item.id, node);
      }
      node.setAttribute("class", `ll-item ll-${isBar(item) ? item.phase : "point"}`);
      node.setAttribute("tabindex", item.id === first ? 0 : -1);
      node.setAttribute("aria-pressed", item.id === this.pinned);
      node.setAttribute("aria-label", this.label(item));
      node.replaceChildren(...this.shapes(item, left, right));
      // Thin bars must not be covered by what follows: idle ones lie below the others.
      order.push([isBar(item) && !ACTIVE.has(item.phase) ? 0 : item.suppressed ? 2 : 1, node]);
    }
    for (const [id, node] of this.nodes) {
      if (!seen.has(id)) {
        node.remove();
        this.nodes.delete(id);
      }
    }
    order.sort((a, b) => a[0] - b[0]);
    let before = null;
    for (const [, node] of order) {
      const wanted = before ? before.nextSibling : this.layer.firstChild;
      if (node !== wanted) {
        if (node.contains(document.activeElement)) {
          // Moving a focused node would drop the focus: move the others around it.
          while (node.previousSibling !== before) this.layer.append(node.previousSibling);
        } else this.layer.insertBefore(node, wanted);
      }
      before = node;
    }
  }

  shapes(item, left, right) {
    const middle = (this.row(item) + 0.5) * this.rowPx;
    const width = Math.max(LEAST_PX, right - left);
    const reach = Math.max(10, width);
    const half = this.rowPx / 2 - 3;
    const inner = item.suppressed ? 14 : 0;
    const hit = {
      x: left - (reach - width) / 2,
      y: middle - half + (inner ? half : 0),
      width: reach,
      height: inner ? half : 2 * half,
      rx: 4,
    };
    const shapes = [svg("rect", { class: "ll-hit", ...hit }), svg("title", {}, this.label(item))];
    if (!isBar(item)) shapes.push(sign("throttle", left, middle));
    else {
      const kind = kindOf(item);
      shapes.push(...barShapes(kind, left, right, middle, this.weave));
      const word = this.word(item, left, right);
      if (word) {
        // A suppressed init lies on the lower half of its invoke: each has a line of its own.
        const up = item.phase === "frozen" ? -7 : this.holdsInit(item) ? -3 : 4;
        const y = middle + (item.suppressed ? 11 : up);
        shapes.push(svg("text", { class: "ll-word", x: word.x, y }, word.text));
      }
      if (item.mark) {
        const x = item.phase === "shutdown" ? left : left + width;
        shapes.push(sign(item.mark, x, middle - (item.phase === "shutdown" ? 0 : 9)));
      }
    }
    shapes.push(svg("rect", { class: "ll-ring", ...hit }));
    return shapes;
  }

  /** Whether init ran again inside this invoke. */
  holdsInit(item) {
    const ends = item.end ?? Infinity;
    return (
      item.phase === "invoke" &&
      this.items.some(
        (one) =>
          one.suppressed && one.lane === item.lane && one.start >= item.start && one.start < ends,
      )
    );
  }

  /** The text that fits a bar: its name, or its letter, or nothing. */
  word(item, left, right) {
    if (item.phase === "reset") return null;
    const kind = kindOf(item);
    const from = Math.max(left, this.gutterPx);
    const room = Math.min(right, this.gutterPx + this.width) - from - 8;
    const size = (text) =>
      [...text].reduce((sum, letter) => sum + (letter.charCodeAt(0) > 0x2e80 ? 11.5 : 6.4), 0);
    const texts = [
      `${this.say(`timeline.phase.${kind}`)} ${this.lasts(item)}`,
      this.say(`timeline.phase.${kind}`),
      this.model.get("labels")[`timeline.letter.${kind}`] ?? "",
    ];
    if (item.phase === "frozen") texts.splice(0, 1);
    const spare = item.phase === "frozen" ? 30 : item.mark ? 8 : 0;
    const text = texts.find((one) => size(one) <= room - spare);
    if (!text || right - left < LETTERED_PX) return null;
    return { text, x: from + 5 };
  }

  lasts(item) {
    if (!isBar(item)) return "";
    if (item.duration_ms !== undefined) return lasting(item.duration_ms / 1000);
    return lasting((item.end ?? this.end) - item.start);
  }

  what(item) {
    if (!isBar(item)) return this.say(`timeline.mark.${item.mark}`);
    const name = this.say(`timeline.phase.${kindOf(item)}`);
    return item.mark ? `${name}: ${this.say(`timeline.mark.${item.mark}`)}` : name;
  }

  at(item) {
    return `${(beginning(item) - this.picture.start).toFixed(3)} s`;
  }

  label(item) {
    const { title, id } = this.laneOf(item);
    return this.say("timeline.item", {
      what: this.what(item),
      lane: id ? `${title} ${id}` : title,
      at: this.at(item),
      duration: isBar(item) ? this.lasts(item) : "429",
    });
  }

  drawAxis() {
    const width = this.gutterPx + this.width + 14;
    this.axis.setAttribute("width", width);
    const zero = this.picture.start;
    const nodes = [];
    const grid = [];
    const free = { low: -Infinity, high: -Infinity };
    const write = (text, x, y, row, anchor = "middle") => {
      const size = text.length * 6.2;
      const left = anchor === "middle" ? x - size / 2 : x;
      if (left < this.gutterPx - 20 || left + size > width || left < free[row] + 8) return false;
      free[row] = left + size;
      nodes.push(svg("text", { x, y, "text-anchor": anchor }, text));
      return true;
    };
    for (const piece of this.pieces) {
      const left = this.gutterPx + piece.at - this.left;
      if (left + piece.px < this.gutterPx || left > width) continue;
      if (piece.gap) {
        const middle = left + piece.px / 2;
        if (middle > this.gutterPx) {
          const long = lasting(piece.to - piece.from);
          write(this.say("timeline.gap", { duration: long }), middle, 33, "low") ||
            write(long, middle, 33, "low");
        }
        continue;
      }
      const long = piece.to - piece.from;
      const step = long > 0 ? niceStep((76 / piece.px) * long) : Infinity;
      const ticks = [];
      if (step < long) {
        const start = Math.ceil((piece.from - zero) / step - 1e-9);
        for (let n = start; n * step <= piece.to - zero + step * 1e-9; n++) {
          ticks.push([n * step, step]);
        }
      } else ticks.push([piece.from - zero, 0.01]);
      for (const [seconds, unit] of ticks) {
        const x = this.x(zero + seconds);
        if (x < this.gutterPx - 0.5) continue;
        if (write(tickLabel(seconds, unit), x, 17, "high", x < this.gutterPx + 20 ? "start" : "middle")) {
          nodes.push(svg("line", { class: "ll-tick", x1: x, x2: x, y1: 0, y2: 5 }));
          grid.push(svg("line", { class: "ll-grid", x1: x, x2: x, y1: 0, y2: this.height }));
        }
      }
    }
    this.axis.replaceChildren(...nodes);
    this.under.append(...grid);
  }

  // -- words ------------------------------------------------------------------------------

  facts(item) {
    const { say } = this;
    const facts = [];
    const fact = (key, value, wide = false) => {
      if (value !== undefined && value !== null && value !== "") {
        facts.push([say(`timeline.details.${key}`), String(value), wide]);
      }
    };
    const began = `${this.at(item)} (${clock(beginning(item))})`;
    if (!isBar(item)) {
      fact("function", `${item.function}:${item.qualifier}`);
      fact("started", began);
      fact("status", "429 TooManyRequestsException");
      fact("reason", item.reason, true);
      fact("request_id", item.request_id, true);
      return facts;
    }
    const { title, lane } = this.laneOf(item);
    fact("function", title);
    fact("environment", shortId(lane.id));
    fact("started", began);
    if (item.duration_ms === undefined) {
      fact("lasted", this.lasts(item) + (item.end ? "" : ` (${say("timeline.ongoing")})`));
    }
    if (item.phase === "invoke") fact("start_kind", say(item.cold ? "timeline.cold" : "timeline.warm"));
    const ms = (value) => (value === undefined ? undefined : `${value.toFixed(2)} ms`);
    fact("duration_ms", ms(item.duration_ms));
    fact("init_ms", ms(item.init_ms));
    fact("billed_ms", item.billed_ms === undefined ? undefined : `${item.billed_ms} ms`);
    if (item.max_memory_mb !== undefined) {
      const values = { used: item.max_memory_mb, size: lane.memory_mb ?? "?" };
      fact("memory", say("timeline.details.memory_of", values));
    }
    fact("status", item.status && say(`timeline.status.${item.status}`));
    fact("error_type", item.error_type);
    fact("cause", item.cause && say(`timeline.cause.${item.cause}`), true);
    fact("reason", item.reason);
    fact("extensions", item.extensions?.join(", "));
    if (item.qualifier && item.qualifier !== lane.version) fact("qualifier", item.qualifier);
    fact("request_id", item.request_id, true);
    return facts;
  }

  tell(id) {
    const item = id === null ? null : this.picture.items.get(id);
    const shown = item ? JSON.stringify([this.facts(item), this.what(item), id === this.pinned]) : "";
    if (this.told === shown) return;
    this.told = shown;
    if (!item) {
      this.details.replaceChildren(html("p", {}, this.say("timeline.details.none")));
      return;
    }
    const pinned = id === this.pinned ? html("span", {}, this.say("timeline.details.pinned")) : null;
    this.details.replaceChildren(
      html("div", { class: "ll-details-head" }, this.what(item), pinned ?? ""),
      html(
        "dl",
        {},
        ...this.facts(item).map(([name, value, wide]) =>
          html("div", { class: wide ? "ll-wide" : null }, html("dt", {}, name), html("dd", {}, value)),
        ),
      ),
    );
  }

  drawTable() {
    if (this.sheet.hidden) {
      this.tabled = null;
      return;
    }
    const head = ["at", "environment", "function", "what", "lasted", "status", "request", "init", "billed", "memory"];
    const dash = this.say("common.dash");
    const ms = (value) => (value === undefined ? dash : `${value.toFixed(2)} ms`);
    this.end ??= this.picture.end;
    const rows = this.items.map((item) => {
      const { title, id } = this.laneOf(item);
      const bar = isBar(item);
      return [
        this.at(item),
        id || dash,
        bar ? title : `${item.function}:${item.qualifier}`,
        this.what(item) + (bar && item.phase === "invoke" ? ` · ${this.say(item.cold ? "timeline.cold" : "timeline.warm")}` : ""),
        bar ? this.lasts(item) + (item.end ? "" : ` (${this.say("timeline.ongoing")})`) : dash,
        bar
          ? [item.status && this.say(`timeline.status.${item.status}`), item.error_type, item.cause && this.say(`timeline.cause.${item.cause}`)]
              .filter(Boolean)
              .join(" · ") || dash
          : `429 ${item.reason}`,
        item.request_id ?? dash,
        ms(item.init_ms),
        item.billed_ms === undefined ? dash : `${item.billed_ms} ms`,
        item.max_memory_mb === undefined ? dash : `${item.max_memory_mb} MB`,
      ];
    });
    const shown = JSON.stringify(rows);
    if (shown === this.tabled) return;
    this.tabled = shown;
    this.sheet.replaceChildren(
      html(
        "table",
        { class: "ll-table" },
        html("caption", {}, this.say("timeline.table.caption")),
        html(
          "thead",
          {},
          html("tr", {}, ...head.map((key) => html("th", { scope: "col" }, this.say(`timeline.table.${key}`)))),
        ),
        html("tbody", {}, ...rows.map((row) => html("tr", {}, ...row.map((cell) => html("td", {}, cell))))),
      ),
    );
  }

  // -- moving -----------------------------------------------------------------------------

  focus(id) {
    this.focused = this.current = id;
    for (const [other, node] of this.nodes) node.setAttribute("tabindex", other === id ? 0 : -1);
    this.tell(this.pinned ?? id);
  }

  blur(id) {
    if (this.focused === id) this.focused = null;
  }

  hover(id) {
    this.hovered = id;
    this.tell(this.pinned ?? id ?? this.focused ?? null);
  }

  pin(id) {
    if (this.dragged) return;
    this.hold(this.pinned === id ? null : id);
    this.current = id;
  }

  /** Keep one item's details open, or none's. */
  hold(id) {
    this.pinned = id;
    for (const [other, node] of this.nodes) node.setAttribute("aria-pressed", other === id);
    this.tell(id ?? this.hovered ?? this.focused ?? null);
  }

  /** Move the focus to an item, and the view so that it can be seen. */
  go(item) {
    if (!item) return;
    const left = place(this.pieces, beginning(item));
    const right = isBar(item) ? place(this.pieces, item.end ?? this.end) : left;
    const margin = 24;
    if (left < this.left + margin || right - this.left < margin) this.turn(left - margin);
    else if (left > this.left + this.width - margin) this.turn(left - this.width / 2);
    this.current = item.id;
    this.draw();
    const node = this.nodes.get(item.id);
    if (!node) return;
    node.focus({ preventScroll: true });
    const top = this.row(item) * this.rowPx;
    const box = this.lanesNode;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + this.rowPx > box.scrollTop + box.clientHeight) {
      box.scrollTop = top + this.rowPx - box.clientHeight;
    }
  }

  key(event) {
    const item = this.picture.items.get(event.target.dataset?.id ?? this.current);
    if (!item) return;
    const lane = this.items.filter((one) => this.row(one) === this.row(item));
    const index = lane.indexOf(item);
    const other = (by) => {
      const rows = this.rows.size + (this.refused ? 1 : 0);
      for (let row = this.row(item) + by; row >= 0 && row < rows; row += by) {
        const near = this.items.filter((one) => this.row(one) === row);
        if (near.length) {
          const away = (one) => Math.abs(beginning(one) - beginning(item));
          return near.reduce((best, one) => (away(one) < away(best) ? one : best));
        }
      }
      return null;
    };
    const actions = {
      ArrowLeft: () => (event.shiftKey ? this.pan(-0.2) : this.go(lane[index - 1])),
      ArrowRight: () => (event.shiftKey ? this.pan(0.2) : this.go(lane[index + 1])),
      ArrowUp: () => this.go(other(-1)),
      ArrowDown: () => this.go(other(1)),
      Home: () => this.go(lane[0]),
      End: () => this.go(lane.at(-1)),
      Enter: () => this.pin(item.id),
      " ": () => this.pin(item.id),
      Escape: () => this.hold(null),
      "+": () => this.rescale(ZOOM, item),
      "=": () => this.rescale(ZOOM, item),
      "-": () => this.rescale(1 / ZOOM, item),
    };
    const action = actions[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.dragged = false;
    action();
  }

  /** Show the whole at a zoom of 1, or keep the middle (or an item) in place at another. */
  show(zoom) {
    this.zoom = zoom;
    this.following = true;
    this.draw();
  }

  rescale(factor, item = null) {
    if (!this.pieces) return;
    const middle = item ? beginning(item) : timeAt(this.pieces, this.left + this.width / 2);
    this.zoom = Math.min(MOST_ZOOM, Math.max(1, this.zoom * factor));
    this.following = false;
    this.measure(this.lanesNode.clientWidth);
    this.turn(place(this.pieces, middle) - this.width / 2);
    this.draw();
  }

  pan(part) {
    if (!this.pieces) return;
    this.turn(this.left + part * this.width);
    this.draw();
  }

  turn(left) {
    const most = Math.max(0, this.world - this.width);
    this.left = Math.min(most, Math.max(0, left));
    this.following = this.left >= most - 2;
  }

  drag(event) {
    if (event.button !== 0 || !this.pieces) return;
    const from = event.clientX;
    const left = this.left;
    this.dragged = false;
    const move = (moved) => {
      const by = moved.clientX - from;
      if (!this.dragged && Math.abs(by) < 4) return;
      this.dragged = true;
      this.plot.classList.add("ll-dragging");
      this.turn(left - by);
      this.draw();
    };
    const up = () => {
      this.plot.classList.remove("ll-dragging");
      document.removeEventListener("pointermove", move);
      document.removeEventListener("pointerup", up);
      document.removeEventListener("pointercancel", up);
    };
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", up);
    document.addEventListener("pointercancel", up);
  }
}

export default () => {
  const picture = new Picture();
  let feed = null;
  return {
    initialize({ model }) {
      feed = new Feed(model, (message) => picture.apply(message));
    },
    render({ model, el }) {
      const gone = new AbortController();
      new TimelineView(model, el, feed, picture, gone.signal);
      return () => gone.abort();
    },
  };
};
