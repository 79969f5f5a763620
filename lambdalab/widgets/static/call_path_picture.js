// The path itself: boxes, arrows, and the event that travels along them.

const BOX = { height: 66, top: 62, keeper: 48 };
const LANES = { out: -15, back: 15 }; // px from the middle of the boxes
const LEAST = 500; // px; in less room the whole picture is made smaller
const TRAVEL = 650; // ms
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** How wide a text is, near enough: Chinese is as wide as it is high. */
function widthOf(text, size) {
  let width = 0;
  for (const letter of text) width += letter.charCodeAt(0) > 0x2e80 ? size : size * 0.56;
  return width;
}

/** Break a text into lines of at most `room` px; Chinese breaks anywhere, Latin at spaces. */
function wrapped(text, room, size) {
  const pieces = text.match(/[\u2e80-\uffef]|[^\s\u2e80-\uffef]+|\s+/g) ?? [text];
  const lines = [""];
  for (const piece of pieces) {
    const longer = lines.at(-1) + piece;
    const closing = /^[，。：；？）」]$/.test(piece); // never at the beginning of a line
    if (lines.at(-1).trim() === "" || closing || widthOf(longer.trim(), size) <= room) {
      lines[lines.length - 1] = longer;
    } else lines.push(piece.trimStart());
  }
  return lines.map((line) => line.trim()).filter((line) => line !== "");
}

/** The sign of a way in: each has a shape of its own. */
function modeSign(mode) {
  const shapes = {
    sync: "M1 5H15M11 1.5L15 5L11 8.5M15 11H1M5 7.5L1 11L5 14.5",
    async: "M1 8H7M4 4.5L7.5 8L4 11.5M9 3.5H15V12.5H9Z",
    poll: "M15 8H9M12 4.5L8.5 8L12 11.5M1 3.5H7V12.5H1Z",
  };
  return svg(
    "svg",
    { class: `ll-mode ll-${mode}`, width: 16, height: 16, viewBox: "0 0 16 16", "aria-hidden": true },
    svg("path", { d: shapes[mode] }),
  );
}

class PathPicture {
  constructor(say, signal) {
    this.say = say;
    this.tip = unique("tip");
    this.title = svg("title", { id: unique("path") });
    this.scene = svg("g", {});
    this.token = svg(
      "g",
      { class: "ll-token", "aria-hidden": true },
      svg("rect", { x: -11, y: -8, width: 22, height: 16, rx: 2 }),
      svg("path", { class: "ll-fold", d: "M-11 -6L0 3L11 -6" }),
      svg("path", { class: "ll-cross", d: "M-5 -5L5 5M5 -5L-5 5" }),
    );
    this.node = svg(
      "svg",
      { class: "ll-path", role: "img", "aria-labelledby": this.title.id },
      this.title,
      svg(
        "defs",
        {},
        svg(
          "marker",
          { id: this.tip, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto" },
          svg("path", { d: "M0.5 0.5L7.5 4L0.5 7.5Z", fill: "context-stroke" }),
        ),
      ),
      this.scene,
      this.token,
    );
    signal.addEventListener("abort", () => cancelAnimationFrame(this.frame));
  }

  // -- drawing ----------------------------------------------------------------------------

  draw(service, room) {
    cancelAnimationFrame(this.frame);
    const width = Math.max(room, LEAST);
    const { say } = this;
    this.service = service;
    this.lines = {}; // part -> path
    this.groups = {}; // part -> what lights up
    this.spots = {}; // part -> where the event rests
    this.under = 0; // lines under the first arrow that leads back
    this.middle = BOX.top + BOX.height / 2;
    const box = Math.min(Math.max(width * 0.2, 124), 196);
    const right = width - box - 2;
    const places = { caller: 2, middle: (width - box) / 2, function: right };
    const { mode } = service;
    const kept = service.repeatsAt;
    const keeper = { redrive: "caller", caller: "caller" }[service.keeper] ?? "middle";
    this.title.textContent = say("chart", { service: service.name, mode: say(`mode.${mode}`) });
    const parts = [];
    const gap = (from, to) => [places[from] + box, places[to]];
    const arrows = {
      sync: [
        ["request", "caller", "function", "out", say("part.event")],
        ["answer", "function", "caller", "back", say("part.answer")],
      ],
      async: [
        ["request", "caller", "middle", "out", say("part.event")],
        ["ack", "middle", "caller", "back", say("part.accepted")],
        ["deliver", "middle", "function", "out", say("part.invoke")],
        ["result", "function", "middle", "back", say("part.outcome")],
      ],
      poll: [
        ["batch", "caller", "middle", "out", say("part.batch")],
        ["poll", "middle", "caller", "back", this.asked(service)],
        ["deliver", "middle", "function", "out", say("part.invoke_wait")],
        ["result", "function", "middle", "back", say("part.outcome")],
      ],
    }[mode];
    for (const [part, from, to, lane, text] of arrows) {
      const [left, end] = from === "caller" || to === "function" ? gap(from, to) : gap(to, from);
      parts.push(this.arrow(part, left + 3, end - 3, lane, text));
    }
    const [left, end] = gap("caller", mode === "sync" ? "function" : "middle");
    parts.push(this.permission((left + end) / 2, end - left - 8));
    const bottom = Math.max(BOX.top + BOX.height + 52, this.lowest + 10);
    const height = bottom + BOX.keeper + 4;
    this.node.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.node.setAttribute("width", room);
    this.node.setAttribute("height", Math.round((height * room) / width));
    parts.push(this.loop(places[kept], box, service.repeat, service.repeats === "caller"));
    parts.push(this.keep(places[keeper], box, width, bottom));
    const role = mode === "poll" ? "source" : "caller";
    parts.push(this.box("caller", places.caller, box, service.caller, say(`part.${role}`)));
    if (mode !== "sync") {
      const name = mode === "async" ? "queue" : "poller";
      parts.push(this.box("middle", places.middle, box, say(`part.${name}`), null, name));
    }
    parts.push(this.box("function", places.function, box, say("part.function"), null));
    this.scene.replaceChildren(...parts);
    this.groups.function = [this.boxes.function];
    if (service.repeats === "visibility") {
      this.lines.remove = this.lines.poll;
      this.groups.remove = this.groups.poll;
    } else if (mode === "poll") {
      this.groups.remove = [this.boxes.middle];
      this.spots.remove = [places.middle + box / 2, this.middle];
    }
    this.spots.function = [right + box / 2, BOX.top + BOX.height - 12];
    this.rest();
  }

  asked({ repeats }) {
    return repeats === "visibility"
      ? `${this.say("part.poll")} · ${this.say("part.remove")}`
      : this.say("part.poll");
  }

  arrow(part, left, right, lane, text) {
    const y = this.middle + LANES[lane];
    const onward = lane === "out";
    const [from, to] = onward ? [left, right] : [right, left];
    const line = svg("path", { class: "ll-arrow", d: `M${from} ${y}L${to} ${y}`, "marker-end": `url(#${this.tip})` });
    const lines = wrapped(text, right - left - 4, 12);
    if (!onward && this.under === 0) this.under = lines.length;
    const first = onward ? y - 7 - 14 * (lines.length - 1) : y + 16;
    const group = svg("g", { class: "ll-part" }, line, ...this.texts(lines, (left + right) / 2, first));
    this.lines[part] = line;
    this.groups[part] = [group];
    return group;
  }

  texts(lines, x, y, attributes = {}) {
    return lines.map((line, index) =>
      svg("text", { x, y: y + 14 * index, "text-anchor": "middle", ...attributes }, line),
    );
  }

  box(part, x, width, name, role, kind = null) {
    const lines = wrapped(name, width - 20, 13);
    const rows = [...lines.map((line) => [line, "ll-name"]), ...(role ? [[role, "ll-role"]] : [])];
    const waits = { sync: "caller", poll: "middle" }[this.service.mode];
    if (part === waits) rows.push([this.say("part.waits"), "ll-waits"]);
    if (this.service.mode === "async" && part === "caller") {
      rows.push([this.say("part.goes"), "ll-goes"]);
    }
    const first = this.middle - (rows.length - 1) * 8 + 4;
    const group = svg(
      "g",
      { class: `ll-part ll-box ll-box-${kind ?? part}` },
      svg("rect", { x, y: BOX.top, width, height: BOX.height, rx: kind === "queue" ? 14 : 5 }),
      ...rows.map(([line, look], index) =>
        svg("text", { class: look, x: x + width / 2, y: first + 16 * index, "text-anchor": "middle" }, line),
      ),
      ...(kind === "queue" ? this.slots(x, width) : []),
    );
    (this.boxes ??= {})[part] = group;
    return group;
  }

  /** A queue has slots at its lower edge. */
  slots(x, width) {
    const size = 9;
    const from = x + width / 2 - 2.5 * (size + 4);
    return [0, 1, 2, 3, 4].map((number) =>
      svg("rect", {
        class: "ll-slot",
        x: from + number * (size + 4),
        y: BOX.top + BOX.height - size - 6,
        width: size,
        height: size,
      }),
    );
  }

  loop(x, width, text, open) {
    const [from, to] = [x + width * 0.68, x + width * 0.32];
    const line = svg("path", {
      class: open ? "ll-arrow ll-open" : "ll-arrow",
      d: `M${from} ${BOX.top - 2}C${from} ${BOX.top - 40} ${to} ${BOX.top - 40} ${to} ${BOX.top - 3}`,
      "marker-end": `url(#${this.tip})`,
    });
    const edge = x < 10;
    const label = svg(
      "text",
      { x: edge ? x : x + width / 2, y: BOX.top - 42, "text-anchor": edge ? "start" : "middle" },
      text,
    );
    const group = svg("g", { class: "ll-part" }, line, label);
    this.lines.repeat = line;
    this.groups.repeat = [group];
    return group;
  }

  keep(x, box, width, y) {
    const { keeper } = this.service;
    const nowhere = keeper === "caller" || keeper === "nobody";
    const room = Math.min(box + 40, width * 0.4);
    const left = Math.max(x + box / 2 - room / 2, 2);
    const centre = x + box / 2;
    const line = svg("path", {
      class: "ll-arrow ll-open",
      d: `M${centre} ${BOX.top + BOX.height + 2}L${centre} ${y - 3}`,
      "marker-end": `url(#${this.tip})`,
    });
    const lines = wrapped(this.say(`part.keeper_${keeper}`), room - 14, 12);
    const group = svg(
      "g",
      { class: `ll-part ll-keeper${nowhere ? " ll-nowhere" : ""}` },
      line,
      svg("rect", { x: left, y, width: room, height: BOX.keeper, rx: 5 }),
      ...this.texts(lines, left + room / 2, y + BOX.keeper / 2 + 4 - 7 * (lines.length - 1)),
    );
    this.lines.keep = line;
    this.groups.keep = [group];
    return group;
  }

  /** The key on an arrow: whose policy must allow it. */
  permission(x, room) {
    const { permission, grants, mode } = this.service;
    const more = grants.length > 1 ? " …" : "";
    const lines = [
      ...wrapped(this.say(`permission.${permission}`), Math.max(room, 150) - 18, 11.5).map((line) => [line, "ll-lock"]),
      ...wrapped(`${grants[0]}${more}`, Math.max(room, 150), 11).map((line) => [line, "ll-lock ll-mono"]),
    ];
    const y = this.middle + LANES.back + 23 + 14 * this.under;
    this.lowest = y + 14 * (lines.length - 1);
    const wide = widthOf(lines[0][0], 11) * (this.han(lines[0][0]) ? 1 : 0.9);
    return svg(
      "g",
      { class: "ll-permission", "data-mode": mode },
      svg("path", {
        class: "ll-key-sign",
        d: "M0 0a3.4 3.4 0 1 0 0.1 0ZM3.3 3.4H11M11 3.4V6.4M8.2 3.4V5.6",
        transform: `translate(${x - wide / 2 - 12} ${y - 8})`,
      }),
      ...lines.map(([line, look], index) =>
        svg("text", { class: look, x: x + (index ? 0 : 4), y: y + 14 * index, "text-anchor": "middle" }, line),
      ),
    );
  }

  han(text) {
    return text.charCodeAt(0) > 0x2e80;
  }

  // -- playing ----------------------------------------------------------------------------

  /** Nothing happens. */
  rest() {
    cancelAnimationFrame(this.frame);
    this.token.setAttribute("visibility", "hidden");
    for (const group of this.scene.querySelectorAll(".ll-part")) delete group.dataset.on;
  }

  /** Light up where a step happens, and let the event travel there. */
  show({ part, bad }, moving) {
    cancelAnimationFrame(this.frame);
    for (const group of this.scene.querySelectorAll(".ll-part")) delete group.dataset.on;
    for (const group of this.groups[part] ?? []) group.dataset.on = bad ? "bad" : "good";
    this.token.setAttribute("visibility", "visible");
    this.token.dataset.bad = String(bad);
    const line = this.lines[part];
    if (!line) return this.place(...this.spots[part]);
    const length = line.getTotalLength();
    const to = (share) => {
      const { x, y } = line.getPointAtLength(length * share);
      this.place(x, y);
    };
    if (!moving || calm()) return to(part === "repeat" ? 0.5 : 0.82);
    const start = performance.now();
    const stop = part === "repeat" ? 1 : 0.82;
    const tick = (now) => {
      const share = Math.min((now - start) / TRAVEL, 1);
      to(stop * share * (2 - share));
      if (share < 1) this.frame = requestAnimationFrame(tick);
    };
    tick(start);
  }

  place(x, y) {
    this.token.setAttribute("transform", `translate(${x} ${y})`);
  }
}
