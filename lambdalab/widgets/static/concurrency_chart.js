// The concurrency lab's picture: pools stacked over time, their caps, and what went wrong.

const PLOT = 240; // px, height of the stack
const EDGE = { left: 56, right: 14, top: 20 };
const STRIPS = { cold: 28, refused: 32, axis: 34 };
const MARKS = 48; // places for marks of refused requests
const LANES = ["used", "spare", "own", "others", "idle"];

/** What stands above what in each bin, of a setting and what it came to. */
function lanesOf(setting, sums, shared) {
  const [first, second] = sums.functions;
  const spare = first.ready.map((used) => Math.max(setting.provisioned - used, 0));
  const others = shared ? second.running : new Float64Array(BINS);
  return { used: first.ready, spare, own: first.running, others, idle: first.idling };
}

class Chart {
  /** @param explain called with the refused requests of a mark: `{ cause: { place, count } }` */
  constructor(say, explain) {
    this.say = say;
    this.explain = explain;
    this.width = 0;
    const pattern = unique("pattern");
    this.lanes = {};
    for (const name of LANES) {
      this.lanes[name] = svg("path", { class: `ll-lane ll-${name}` });
      this.lanes[name].style.fill = `url(#${pattern}-${name})`;
    }
    this.patterns = pattern;
    this.kept = svg("path", { class: "ll-kept" });
    this.peak = svg("path", { class: "ll-peak" });
    this.caps = svg("g", {});
    this.grid = svg("g", { class: "ll-scale" });
    this.cold = svg("path", { class: "ll-cold" });
    this.marks = svg("g", {
      role: "group",
      "aria-label": say("chart.marks"),
      onkeydown: (event) => this.key(event),
    });
    this.strips = svg("g", { class: "ll-scale" });
    this.title = svg("title", { id: unique("chart") });
    this.node = svg(
      "svg",
      { class: "ll-pools", "aria-labelledby": this.title.id },
      this.title,
      this.defs(pattern),
      this.grid,
      ...LANES.map((name) => this.lanes[name]),
      this.kept,
      this.peak,
      this.caps,
      this.strips,
      this.cold,
      this.marks,
    );
    this.key_ = html("ul", { class: "ll-key" });
  }

  /** Each lane has a weave of its own: colour alone tells nothing. */
  defs(pattern) {
    const weave = (name, size, ...shapes) =>
      svg(
        "pattern",
        {
          id: `${pattern}-${name}`,
          class: `ll-weave ll-${name}`,
          width: size,
          height: size,
          patternUnits: "userSpaceOnUse",
        },
        svg("rect", { width: size, height: size, class: "ll-tint" }),
        ...shapes,
      );
    const line = (d) => svg("path", { d, class: "ll-thread" });
    const dot = (x, y) => svg("circle", { cx: x, cy: y, r: 0.9, class: "ll-dot" });
    return svg(
      "defs",
      {},
      weave("used", 8),
      weave("spare", 6, line("M0 3H6")),
      weave("own", 7, line("M-1 8L8 -1M-1 1L1 -1M6 8L8 6")),
      weave("others", 8, line("M0 0L8 8M8 0L0 8")),
      weave("idle", 7, dot(2, 2), dot(5.5, 5.5)),
    );
  }

  /** The lanes that are there, with their swatches. */
  legend(names) {
    const wanted = names.join();
    if (this.shown === wanted) return;
    this.shown = wanted;
    const item = (name, ...shapes) =>
      html(
        "li",
        {},
        svg("svg", { width: 18, height: 14, "aria-hidden": true }, ...shapes),
        this.say(`lane.${name}`),
      );
    const swatch = (name) => {
      const box = svg("rect", { x: 1, y: 1, width: 16, height: 12, class: `ll-lane ll-${name}` });
      box.style.fill = `url(#${this.patterns}-${name})`;
      return item(name, box);
    };
    this.key_.replaceChildren(
      ...names.filter((name) => LANES.includes(name)).map(swatch),
      item("peak", svg("path", { class: "ll-peak", d: "M1 7H17" })),
      item("cap", svg("path", { class: "ll-cap", d: "M1 7H17" })),
      item("cold", svg("path", { class: "ll-cold", d: triangle(9, 12, 10) })),
      item("refused", svg("path", { class: "ll-cross", d: cross(9, 7, 5) })),
      ...(names.includes("kept") ? [item("kept", svg("path", { class: "ll-kept", d: "M1 7H17" }))] : []),
    );
  }

  /**
   * @param shot `setting`, `sums` (of `addUp`), `run`
   * @param other the same of the setting it is compared with, or null
   */
  draw(shot, other, width) {
    const { setting, sums, run } = shot;
    this.shot = shot;
    this.width = Math.max(width, 240);
    const shared = sums.functions.length > 1 && run.groups[1] === run.groups[0];
    const lanes = lanesOf(setting, sums, shared);
    const held = setting.provisioned;
    const cap = held + run.caps[run.groups[0]];
    let most = held;
    for (let bin = 0; bin < BINS; bin += 1) {
      const high = held + lanes.own[bin] + lanes.others[bin];
      most = Math.max(most, high + lanes.idle[bin], held + sums.bins.peak[bin]);
    }
    const line = other && this.total(other);
    if (line) for (const value of line) most = Math.max(most, value);
    const within = cap <= 1.6 * most;
    const scale = roundUp(1.04 * Math.max(most, within ? cap : 0, 1));
    this.axes(sums, scale);
    const y = (value) => EDGE.top + PLOT * (1 - value / scale);
    const below = new Float64Array(BINS);
    for (const name of LANES) {
      const above = below.map((low, bin) => low + lanes[name][bin]);
      this.lanes[name].setAttribute("d", this.area(below, above, y));
      below.set(above);
    }
    this.peak.setAttribute("d", this.outline(sums.bins.peak.map((value) => value && held + value), y));
    this.kept.setAttribute("d", line ? this.alongside(line, other.sums, y) : "");
    this.limits(setting, cap, within, y);
    this.strip(sums);
    this.legend([
      ...LANES.filter((name) =>
        ["used", "spare"].includes(name) ? held : name !== "others" || shared,
      ),
      ...(other ? ["kept"] : []),
    ]);
    const [first] = sums.functions;
    this.title.textContent = this.say("chart.title", {
      name: setting.name,
      seconds: figure(sums.span),
      mean: figure(first.meanConcurrency),
      peak: figure(first.peak),
      cold: figure(first.cold, 6),
      throttled: figure(first.throttled, 6),
    });
  }

  x(bin) {
    return EDGE.left + ((this.width - EDGE.left - EDGE.right) * bin) / BINS;
  }

  total({ sums }) {
    const [first] = sums.functions;
    return first.running.map((value, bin) => value + first.ready[bin]);
  }

  area(below, above, y) {
    let forth = "";
    let back = "";
    for (let bin = 0; bin < BINS; bin += 1) {
      const [left, right] = [this.x(bin).toFixed(1), this.x(bin + 1).toFixed(1)];
      const [high, low] = [y(above[bin]).toFixed(1), y(below[bin]).toFixed(1)];
      forth += `${bin ? "L" : "M"}${left} ${high}L${right} ${high}`;
      back = `L${right} ${low}L${left} ${low}${back}`;
    }
    return `${forth}${back}Z`;
  }

  /** A line through the bins in which there is something. */
  outline(values, y) {
    let path = "";
    let open = false;
    for (let bin = 0; bin < BINS; bin += 1) {
      if (!values[bin]) {
        open = false;
        continue;
      }
      path += `${open ? "L" : "M"}${this.x(bin + 0.5).toFixed(1)} ${y(values[bin]).toFixed(1)}`;
      open = true;
    }
    return path;
  }

  /** The other setting's line, on this one's clock. */
  alongside(line, sums, y) {
    const ratio = sums.width / this.shot.sums.width;
    let path = "";
    for (let bin = 0; bin < BINS && (bin + 0.5) * ratio <= BINS; bin += 1) {
      const x = this.x((bin + 0.5) * ratio).toFixed(1);
      path += `${bin ? "L" : "M"}${x} ${y(line[bin]).toFixed(1)}`;
    }
    return path;
  }

  axes(sums, scale) {
    const bottom = EDGE.top + PLOT;
    const height = bottom + STRIPS.cold + STRIPS.refused + STRIPS.axis;
    this.node.setAttribute("width", this.width);
    this.node.setAttribute("height", height);
    const right = this.width - EDGE.right;
    const parts = [];
    for (const value of ticks(scale, 4)) {
      const y = EDGE.top + PLOT * (1 - value / scale);
      parts.push(svg("path", { class: "ll-grid", d: `M${EDGE.left} ${y}H${right}` }));
      const attributes = { x: EDGE.left - 8, y: y + 4, "text-anchor": "end" };
      parts.push(svg("text", attributes, figure(value)));
    }
    const under = height - STRIPS.axis;
    for (const value of ticks(sums.span, this.width < 480 ? 4 : 7)) {
      const x = this.x((value / sums.span) * BINS);
      parts.push(svg("path", { class: "ll-grid", d: `M${x} ${under}v4` }));
      parts.push(svg("text", { x, y: under + 16, "text-anchor": "middle" }, figure(value)));
    }
    const said = { x: right, y: height - 3, "text-anchor": "end" };
    parts.push(svg("text", said, this.say("chart.time")));
    parts.push(svg("text", { x: 0, y: 11 }, this.say("chart.environments")));
    for (const [name, y] of [
      ["cold", bottom + STRIPS.cold / 2 + 6],
      ["refused", bottom + STRIPS.cold + STRIPS.refused / 2 + 4],
    ]) {
      parts.push(svg("text", { x: EDGE.left - 8, y, "text-anchor": "end" }, this.say(`chart.${name}`)));
    }
    for (const y of [bottom, bottom + STRIPS.cold, under]) {
      parts.push(svg("path", { class: "ll-rule", d: `M${EDGE.left} ${y + 0.5}H${right}` }));
    }
    this.grid.replaceChildren(...parts);
  }

  limits(setting, cap, within, y) {
    const right = this.width - EDGE.right;
    const parts = [];
    const rule = (value, text, place) => {
      const at = y(value);
      parts.push(svg("path", { class: "ll-cap", d: `M${EDGE.left} ${at}H${right}` }));
      parts.push(svg("text", { class: "ll-cap-name", x: right - 4, y: at + place, "text-anchor": "end" }, text));
    };
    const free = setting.provisioned ? "unreserved_and_provisioned" : "unreserved";
    const kind = setting.reserved === null ? free : "reserved";
    const name = this.say(`cap.${kind}`, { cap: figure(cap, 6) });
    if (within) rule(cap, name, -5);
    else {
      const attributes = { class: "ll-cap-name", x: right - 4, y: 11, "text-anchor": "end" };
      parts.push(svg("text", attributes, `${name} ↑`));
    }
    // Two names of lines that nearly meet would lie on each other.
    if (setting.provisioned && (!within || y(setting.provisioned) - y(cap) > 1)) {
      rule(setting.provisioned, this.say("cap.provisioned", { cap: figure(setting.provisioned, 6) }), 14);
    }
    this.caps.replaceChildren(...parts);
  }

  strip({ bins }) {
    const bottom = EDGE.top + PLOT;
    const most = bins.cold.reduce((high, count) => Math.max(high, count), 0);
    let path = "";
    for (let bin = 0; bin < BINS; bin += 1) {
      if (!bins.cold[bin]) continue;
      const height = 5 + 15 * Math.sqrt(bins.cold[bin] / most);
      path += triangle(this.x(bin + 0.5), bottom + STRIPS.cold - 3, height);
    }
    this.cold.setAttribute("d", path);
    const focused = this.marks.contains(this.node.getRootNode().activeElement) ? this.current : null;
    const each = BINS / MARKS;
    const high = bins.throttled.reduce((sum, count) => Math.max(sum, count), 0) * each;
    const marks = [];
    for (let mark = 0; mark < MARKS; mark += 1) {
      const causes = {};
      let count = 0;
      for (let bin = mark * each; bin < (mark + 1) * each; bin += 1) {
        count += bins.throttled[bin];
        for (const [cause, known] of Object.entries(bins.refused[bin])) {
          causes[cause] ??= { place: known.place, count: 0 };
          causes[cause].count += known.count;
        }
      }
      if (!count) continue;
      marks.push(this.mark(mark, count, 3 + 5 * Math.sqrt(count / high), causes));
    }
    this.marks.replaceChildren(...marks);
    const current = marks.find((node) => Number(node.dataset.mark) === this.current) ?? marks[0];
    current?.setAttribute("tabindex", 0);
    if (focused !== null) current?.focus();
  }

  mark(mark, count, size, causes) {
    const [left, right] = [this.x((mark * BINS) / MARKS), this.x(((mark + 1) * BINS) / MARKS)];
    const top = EDGE.top + PLOT + STRIPS.cold;
    const { sums } = this.shot;
    const open = () => {
      this.current = mark;
      this.explain(causes, count);
    };
    return svg(
      "g",
      {
        class: "ll-refusals",
        role: "button",
        tabindex: -1,
        "data-mark": mark,
        "aria-label": this.say("chart.mark", {
          time: figure((sums.span * mark) / MARKS),
          count: figure(count, 6),
          causes: Object.keys(causes).map((cause) => this.say(`cause.${cause}`)).join(" · "),
        }),
        onclick: open,
        onfocus: () => {
          this.current = mark;
        },
        onkeydown: (event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          open();
        },
      },
      svg("rect", { x: left, y: top, width: right - left, height: STRIPS.refused, class: "ll-target" }),
      svg("path", { class: "ll-cross", d: cross((left + right) / 2, top + STRIPS.refused / 2, size) }),
    );
  }

  /** Left and right lead from mark to mark. */
  key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const nodes = [...this.marks.children];
    const at = nodes.indexOf(event.target);
    const next = nodes[Math.min(Math.max(at + by, 0), nodes.length - 1)];
    nodes[at]?.setAttribute("tabindex", -1);
    next?.setAttribute("tabindex", 0);
    next?.focus();
  }
}

const triangle = (x, y, height) => `M${x - 4} ${y}L${x} ${y - height}L${x + 4} ${y}Z`;
const cross = (x, y, size) =>
  `M${x - size} ${y - size}L${x + size} ${y + size}M${x + size} ${y - size}L${x - size} ${y + size}`;
