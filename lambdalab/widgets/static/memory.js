// The memory-cost curve. Every number of a point comes from Python; here it is drawn.

const PANEL = 170; // px, height of each of the two
const GAP = 34;
const EDGES = { left: 62, right: 16, top: 22, bottom: 38 };
const MONTH_SECONDS = 30 * 24 * 3600;
const DASHES = ["", "7 4", "2 4", "10 3 2 3"];
const SHAPES = [
  (x, y) => `M${x - 4} ${y}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z`,
  (x, y) => `M${x - 4} ${y - 4}h8v8h-8Z`,
  (x, y) => `M${x} ${y - 5}L${x + 5} ${y + 4}H${x - 5}Z`,
  (x, y) => `M${x} ${y - 5}L${x + 5} ${y}L${x} ${y + 5}L${x - 5} ${y}Z`,
];

class MemoryView {
  constructor(model, el, signal) {
    this.model = model;
    this.say = speaker(model);
    this.curves = model.get("shown_curves");
    this.bounds = model.get("bounds");
    this.prices = model.get("prices");
    const sizes = this.curves.flatMap(({ points }) => points.map(({ memory }) => memory));
    this.sizes = [...new Set(sizes)].sort((one, two) => one - two);
    this.measured = [
      ...new Set(
        this.curves.flatMap(({ points }) =>
          points.filter(({ measured }) => measured).map(({ memory }) => memory),
        ),
      ),
    ].sort((one, two) => one - two);
    this.build(el);
    // Its word is taken for the width: in a frame of its own the picture may not be laid out
    // at all (a theme is being changed, say).
    this.room = this.picture.clientWidth || 600;
    const watch = new ResizeObserver(([{ contentRect }]) => {
      this.room = contentRect.width || this.room;
      this.schedule();
    });
    watch.observe(this.picture);
    signal.addEventListener("abort", () => watch.disconnect());
    for (const name of ["memory", "rate", "architecture", "free_tier"]) {
      listen(model, `change:${name}`, () => this.schedule(), signal);
    }
    this.update();
  }

  build(el) {
    const { say, model } = this;
    const [memory, rate, architecture] = ["memory", "rate", "architecture"].map(unique);
    this.field = html("input", {
      id: memory,
      type: "number",
      min: this.sizes[0],
      max: this.sizes.at(-1),
      step: 1,
      onchange: () => this.typed(),
    });
    this.rate = html("input", {
      id: rate,
      type: "number",
      min: 0,
      step: "any",
      onchange: () => {
        const value = Number(this.rate.value);
        if (value > 0 && value < 1e6) this.set("rate", value);
        else this.note.textContent = say("refuse.rate");
      },
    });
    this.architecture = html(
      "select",
      { id: architecture, onchange: () => this.set("architecture", this.architecture.value) },
      ...Object.keys(this.prices.architectures).map((one) => html("option", { value: one }, one)),
    );
    this.free = html("input", {
      type: "checkbox",
      onchange: () => this.set("free_tier", this.free.checked),
    });
    this.sheetButton = html(
      "button",
      { type: "button", "aria-pressed": "false", onclick: () => this.toggleSheet() },
      say("tool.table"),
    );
    this.lines = svg("g", {});
    this.dots = svg("g", { class: "ll-points" });
    this.handle = svg("g", {
      class: "ll-handle",
      tabindex: 0,
      role: "slider",
      "aria-label": say("handle"),
      "aria-valuemin": this.sizes[0],
      "aria-valuemax": this.sizes.at(-1),
      onkeydown: (event) => this.key(event),
    });
    this.title = svg("title", { id: unique("memory") });
    this.chart = svg(
      "svg",
      {
        class: "ll-curves",
        "aria-labelledby": this.title.id,
        onpointerdown: (event) => this.drag(event),
      },
      this.title,
      this.lines,
      this.handle,
      this.dots,
    );
    this.picture = html("div", { class: "ll-picture" }, this.chart);
    this.key_ = html("ul", { class: "ll-key" }, ...this.legend());
    this.readout = html("div", {
      class: "ll-readout",
      tabindex: 0,
      role: "group",
      "aria-label": say("title"),
    });
    this.note = html("p", { class: "ll-note", role: "status" });
    this.sheet = html("div", {
      class: "ll-readout",
      tabindex: 0,
      role: "group",
      "aria-label": say("all"),
      hidden: true,
    });
    const { prices } = this;
    el.append(
      html(
        "div",
        { class: "lambdalab ll-memory", lang: model.get("lang") },
        html(
          "div",
          { class: "ll-head" },
          html("span", { class: "ll-title" }, say("title")),
          html("span", { class: "ll-space" }),
          this.sheetButton,
        ),
        html(
          "div",
          { class: "ll-tools ll-settings" },
          html("label", { for: memory }, say("field.memory"), this.field, "MB"),
          html("label", { for: architecture }, say("field.architecture"), this.architecture),
          html("label", { for: rate }, say("field.rate"), this.rate, say("field.per_second")),
          html("label", {}, this.free, say("field.free_tier")),
        ),
        this.note,
        this.picture,
        this.key_,
        this.readout,
        this.sheet,
        html(
          "p",
          { class: "ll-small" },
          say("note.prices", {
            read: prices.read,
            step: prices.billingStep,
            requests: prices.freeRequests.toLocaleString("en-US"),
            compute: prices.freeCompute.toLocaleString("en-US"),
          }),
          " ",
          html("a", { href: prices.url, target: "_blank", rel: "noopener" }, say("note.page")),
          " ",
          say("note.architecture"),
        ),
      ),
    );
  }

  legend() {
    const swatch = (...shapes) => svg("svg", { width: 28, height: 14, "aria-hidden": true }, ...shapes);
    const items = this.curves.map(({ name }, index) =>
      html(
        "li",
        { class: `ll-curve-${index % 4}` },
        swatch(
          svg("path", { class: "ll-line", d: "M0 7H28", "stroke-dasharray": DASHES[index % 4] }),
          svg("path", { class: "ll-shape", d: SHAPES[index % 4](14, 7) }),
        ),
        name,
      ),
    );
    return [
      ...items,
      html("li", {}, swatch(svg("path", { class: "ll-best", d: "M7 7a7 7 0 1 0 14 0a7 7 0 1 0 -14 0Z" })), this.say("key.cheapest")),
      html("li", {}, swatch(svg("path", { class: "ll-vcpu", d: "M14 0V14" })), this.say("key.vcpu", { memory: figure(this.bounds.vcpu, 6) })),
    ];
  }

  // -- changing ---------------------------------------------------------------------------

  set(name, value) {
    this.note.textContent = "";
    this.model.set(name, value);
    this.model.save_changes();
    this.schedule();
  }

  /** Move the point; Python is told when it is let go. */
  move(memory, done) {
    this.note.textContent = "";
    this.model.set("memory", memory);
    if (done) this.model.save_changes();
    this.schedule();
  }

  typed() {
    const [low, high] = [this.sizes[0], this.sizes.at(-1)];
    const value = Number(this.field.value);
    if (!(value >= low && value <= high)) {
      this.note.textContent = this.say("refuse.memory", { low: figure(low, 6), high: figure(high, 6) });
      return;
    }
    this.move(this.nearest(value), true);
  }

  nearest(memory) {
    const by = (size) => Math.abs(Math.log(size / memory));
    return this.sizes.reduce((best, size) => (by(size) < by(best) ? size : best));
  }

  key(event) {
    const at = this.sizes.indexOf(this.model.get("memory"));
    const now = this.sizes[at];
    const last = this.sizes.length - 1;
    const aim = {
      ArrowLeft: () => this.sizes[Math.max(at - 1, 0)],
      ArrowDown: () => this.sizes[Math.max(at - 1, 0)],
      ArrowRight: () => this.sizes[Math.min(at + 1, last)],
      ArrowUp: () => this.sizes[Math.min(at + 1, last)],
      Home: () => this.sizes[0],
      End: () => this.sizes[last],
      PageDown: () => this.measured.findLast((size) => size < now) ?? now,
      PageUp: () => this.measured.find((size) => size > now) ?? now,
    }[event.key];
    if (!aim) return;
    event.preventDefault();
    this.move(aim(), true);
  }

  drag(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.handle.focus();
    const to = (moved, done) => {
      const { left } = this.chart.getBoundingClientRect();
      this.move(this.nearest(this.memoryAt(moved.clientX - left)), done);
    };
    this.chart.setPointerCapture(event.pointerId);
    const follow = (moved) => to(moved, false);
    const end = (moved) => {
      to(moved, true);
      this.chart.removeEventListener("pointermove", follow);
      this.chart.removeEventListener("pointerup", end);
      this.chart.removeEventListener("pointercancel", end);
    };
    this.chart.addEventListener("pointermove", follow);
    this.chart.addEventListener("pointerup", end);
    this.chart.addEventListener("pointercancel", end);
    to(event, false);
  }

  schedule() {
    if (this.planned) return;
    this.planned = true;
    requestAnimationFrame(() => {
      this.planned = false;
      this.update();
    });
  }

  // -- drawing ----------------------------------------------------------------------------

  x(memory) {
    const { low, high } = this.bounds;
    const share = Math.log(memory / low) / Math.log(high / low);
    return EDGES.left + (this.width - EDGES.left - EDGES.right) * share;
  }

  memoryAt(x) {
    const { low, high } = this.bounds;
    const share = (x - EDGES.left) / (this.width - EDGES.left - EDGES.right);
    return low * (high / low) ** Math.min(Math.max(share, 0), 1);
  }

  update() {
    const { model, say } = this;
    const memory = model.get("memory");
    if (this.field.getRootNode().activeElement !== this.field) this.field.value = memory;
    if (this.rate.getRootNode().activeElement !== this.rate) this.rate.value = model.get("rate");
    this.architecture.value = model.get("architecture");
    this.free.checked = model.get("free_tier");
    const width = Math.max(Math.floor(this.room), 300);
    const drawn = `${width}/${model.get("architecture")}`;
    if (this.drawn !== drawn) {
      this.drawn = drawn;
      this.width = width;
      this.drawCurves();
    }
    this.point(memory);
    this.readout.replaceChildren(this.table(memory));
    this.handle.setAttribute("aria-valuenow", memory);
    this.handle.setAttribute("aria-valuetext", this.spoken(memory));
    this.title.textContent = say("chart", { names: this.curves.map(({ name }) => name).join(", ") });
    if (!this.sheet.hidden) this.sheet.replaceChildren(this.all());
  }

  cost(point) {
    return point.usd[this.model.get("architecture")] * 1e6;
  }

  drawCurves() {
    const { say, curves } = this;
    const every = curves.flatMap(({ points }) => points);
    const durations = every.map(({ duration }) => duration);
    const least = 10 ** Math.floor(Math.log10(Math.min(...durations)));
    const most = Math.max(10 ** Math.ceil(Math.log10(Math.max(...durations))), least * 10);
    const top = roundUp(1.05 * Math.max(...every.map((point) => this.cost(point))));
    const second = EDGES.top + PANEL + GAP;
    this.yDuration = (value) =>
      EDGES.top + PANEL * (1 - Math.log(value / least) / Math.log(most / least));
    this.yCost = (value) => second + PANEL * (1 - value / top);
    const bottom = second + PANEL;
    this.chart.setAttribute("width", this.width);
    this.chart.setAttribute("height", bottom + EDGES.bottom);
    this.bottom = bottom;
    const right = this.width - EDGES.right;
    const parts = [];
    const grid = (y, text) => {
      parts.push(svg("path", { class: "ll-grid", d: `M${EDGES.left} ${y}H${right}` }));
      parts.push(svg("text", { x: EDGES.left - 8, y: y + 4, "text-anchor": "end" }, text));
    };
    for (let value = least; value <= most * 1.001; value *= 10) grid(this.yDuration(value), figure(value));
    for (const value of ticks(top, 4)) grid(this.yCost(value), `$${figure(value)}`);
    for (let size = this.bounds.low; size < this.bounds.high * 0.7; size *= 2) {
      if (this.width < 520 && Math.log2(size / this.bounds.low) % 2) continue;
      this.tick(parts, size, bottom);
    }
    this.tick(parts, this.bounds.high, bottom);
    parts.push(svg("text", { x: 0, y: 12 }, say("axis.duration")));
    parts.push(svg("text", { x: 0, y: second - 12 }, say("axis.cost")));
    parts.push(svg("text", { x: right, y: bottom + 34, "text-anchor": "end" }, say("axis.memory")));
    const vcpu = this.x(this.bounds.vcpu);
    parts.push(svg("path", { class: "ll-vcpu", d: `M${vcpu} ${EDGES.top}V${bottom}` }));
    parts.push(svg("text", { x: vcpu + 5, y: EDGES.top + 11 }, say("axis.vcpu")));
    curves.forEach((one, index) => parts.push(this.curve(one, index)));
    this.lines.replaceChildren(...parts);
    this.lines.setAttribute("class", "ll-scale");
  }

  tick(parts, size, bottom) {
    const x = this.x(size);
    const last = size === this.bounds.high;
    parts.push(svg("path", { class: "ll-grid", d: `M${x} ${EDGES.top}V${bottom + 4}` }));
    const attributes = { x, y: bottom + 17, "text-anchor": last ? "end" : "middle" };
    parts.push(svg("text", attributes, figure(size, 6)));
  }

  curve({ points, cheapest }, index) {
    const measured = points.filter((point) => point.measured);
    const line = (y) =>
      points
        .map((point, at) => `${at ? "L" : "M"}${this.x(point.memory).toFixed(1)} ${y(point).toFixed(1)}`)
        .join("");
    const duration = (point) => this.yDuration(point.duration);
    const cost = (point) => this.yCost(this.cost(point));
    const shape = SHAPES[index % 4];
    const best = points.find(({ memory }) => memory === cheapest[this.model.get("architecture")]);
    const dash = { "stroke-dasharray": DASHES[index % 4] };
    const [x, y] = [this.x(best.memory), cost(best)];
    return svg(
      "g",
      { class: `ll-curve-${index % 4}` },
      ...[duration, cost].flatMap((at) => [
        svg("path", { class: "ll-line", d: line(at), ...dash }),
        svg("path", {
          class: "ll-shape",
          d: measured.map((point) => shape(this.x(point.memory), at(point))).join(""),
        }),
      ]),
      svg("path", { class: "ll-best", d: `M${x - 9} ${y}a9 9 0 1 0 18 0a9 9 0 1 0 -18 0Z` }),
    );
  }

  /** The points of all handlers at a memory size, null where a handler was not measured. */
  at(memory) {
    return this.curves.map(({ points }) => points.find((point) => point.memory === memory) ?? null);
  }

  point(memory) {
    const x = this.x(memory);
    this.handle.replaceChildren(
      svg("rect", { class: "ll-target", x: x - 9, y: EDGES.top, width: 18, height: this.bottom - EDGES.top }),
      svg("path", { class: "ll-stem", d: `M${x} ${EDGES.top}V${this.bottom}` }),
      svg("path", { class: "ll-grip", d: `M${x} ${this.bottom}l7 9h-14Z` }),
    );
    const dots = this.at(memory).flatMap((point) =>
      point === null
        ? []
        : [this.yDuration(point.duration), this.yCost(this.cost(point))].map((y) =>
            svg("circle", { cx: x, cy: y, r: 6 }),
          ),
    );
    this.dots.replaceChildren(...dots);
  }

  spoken(memory) {
    const parts = this.curves.map(({ name }, index) => {
      const point = this.at(memory)[index];
      return point && `${name}: ${lasting(point.duration / 1000)}, ${dollars(this.cost(point))}`;
    });
    return [`${memory} MB`, ...parts.filter(Boolean)].join("; ");
  }

  /** What a month of 30 days costs at the rate that was chosen (USD). */
  month(point) {
    const count = this.model.get("rate") * MONTH_SECONDS;
    const architecture = this.model.get("architecture");
    const usage = { requests: count, compute: count * point.gb_s, architecture };
    return bill(usage, this.prices, this.model.get("free_tier")).total;
  }

  cells(point) {
    return [
      lasting(point.duration / 1000),
      `${point.billed.toLocaleString("en-US")} ms`,
      figure(point.gb_s, 4),
      `$${Number((this.cost(point) / 1e6).toPrecision(4)).toFixed(10).replace(/0+$/, "")}`,
      dollars(this.cost(point)),
      dollars(this.month(point)),
    ];
  }

  table(memory) {
    const { say } = this;
    const rows = this.curves.map(({ name, cheapest }, index) => {
      const point = this.at(memory)[index];
      if (!point) return this.row(name, [say("not_measured"), ...Array(6).fill("–")]);
      const best = cheapest[this.model.get("architecture")];
      const kind = say(point.measured ? "measured" : "between");
      const mark = memory === best ? say("cheapest") : say("cheapest_at", { memory: figure(best, 6) });
      const cells = this.cells(point);
      return this.row(name, [html("span", {}, cells[0], html("small", {}, ` ${kind}`)), ...cells.slice(1), mark]);
    });
    const caption = say("caption", {
      memory: figure(memory, 6),
      vcpus: (memory / this.bounds.vcpu).toFixed(2),
      rate: figure(this.model.get("rate"), 6),
    });
    return this.sheetOf(caption, "column.handler", rows, ["column.cheapest"]);
  }

  row(name, cells) {
    return html(
      "tr",
      {},
      html("th", { scope: "row" }, name),
      ...cells.map((cell) => html("td", {}, cell)),
    );
  }

  sheetOf(caption, first, rows, more = []) {
    const heads = [
      first,
      ...["duration", "billed", "gb_s", "invocation", "million", "month"].map((key) => `column.${key}`),
      ...more,
    ];
    return html(
      "table",
      { class: "ll-table" },
      html("caption", {}, caption),
      html("thead", {}, html("tr", {}, ...heads.map((key) => html("th", { scope: "col" }, this.say(key))))),
      html("tbody", {}, ...rows),
    );
  }

  toggleSheet() {
    this.sheet.hidden = !this.sheet.hidden;
    this.sheetButton.setAttribute("aria-pressed", String(!this.sheet.hidden));
    this.update();
  }

  all() {
    const rows = this.curves.flatMap(({ name, points }) =>
      points
        .filter(({ measured }) => measured)
        .map((point) => this.row(`${name} · ${figure(point.memory, 6)} MB`, this.cells(point))),
    );
    return this.sheetOf(this.say("all"), "column.where", rows);
  }
}

export default {
  render({ model, el }) {
    const gone = new AbortController();
    new MemoryView(model, el, gone.signal);
    return () => gone.abort();
  },
};
