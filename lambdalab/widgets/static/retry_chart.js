// Attempts as marks and waits as lines, a row for each event, over the time since it was accepted.

const APART = 15; // px between two marks; nearer ones of the same outcome become one
const TICKS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600];
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

/** The signs of outcomes: each has a shape of its own. */
const RETRY_SIGNS = {
  success: () => [svg("circle", { r: 7 }), svg("path", { d: "M-3.5 0 L-1 2.8 L3.6 -2.8" })],
  error: SIGNS.error,
  throttled: SIGNS.throttle,
  system: SIGNS.crash,
  running: () => [svg("circle", { r: 6.5, "stroke-dasharray": "3 2.6" })],
};
const retrySign = (status, x, y) =>
  svg("g", { class: `lr-outcome lr-${status}`, transform: `translate(${x} ${y})` }, ...RETRY_SIGNS[status]());

/** Where a time lies between 0 and 1: each tenfold is as wide as the one before, and 0 is there. */
const SCALES = {
  log: (time, to) => Math.log10(1 + Math.max(0, time)) / Math.log10(1 + to),
  linear: (time, to) => Math.max(0, time) / to,
};

/** About how wide a text is, in px at 11.5 px. */
const textWidth = (text) =>
  [...text].reduce((sum, letter) => sum + (letter.charCodeAt(0) > 0x2e80 ? 11.5 : 6.3), 0);

function shortened(text, room) {
  if (textWidth(text) <= room) return text;
  let short = text;
  while (short && textWidth(short) > room - 8) short = short.slice(0, -1);
  return `${short}…`;
}

class RetryChart {
  /**
   * @param told called with the mark that is pointed at, focused or kept, or null
   * @param chosen called with the attempt that was clicked; null: clicks keep details open
   */
  constructor(say, told, chosen) {
    this.say = say;
    this.told = told;
    this.chosen = chosen;
    this.nodes = new Map();
    this.axis = "log";
    this.name = unique("retry");
    this.under = svg("g", { "aria-hidden": true });
    this.layer = svg("g", {});
    this.node = svg(
      "svg",
      { class: "lr-plot lr-attempts", role: "group", onkeydown: (event) => this.key(event) },
      this.under,
      this.layer,
    );
  }

  length(seconds) {
    return lengthOf(seconds, this.say);
  }

  /** @param rows see retry_rows.py; `age` is the maximum age to show, `to` where the axis ends */
  draw(rows, { width, to, age, names, now }) {
    const { say } = this;
    this.rows = rows;
    this.to = to;
    this.beside = width >= 780;
    this.left = names ? (width < 640 ? 96 : 128) : 12;
    this.endPx = this.beside ? 216 : 14;
    this.room = Math.max(120, width - this.left - this.endPx - 12);
    this.rowPx = this.beside ? 50 : 68;
    const height = rows.length * this.rowPx + 34;
    this.node.setAttribute("width", width);
    this.node.setAttribute("height", height);
    this.node.setAttribute(
      "aria-label",
      names ? say("chart", { rows: rows.length }) : say("chart_plan", { count: rows[0].attempts.length }),
    );
    this.marks = rows.flatMap((row, index) => this.marksOf(row, index));
    if (!this.marks.some(({ key }) => key === this.current)) this.current = null;
    if (!this.marks.some(({ key }) => key === this.pinned)) this.pinned = null;
    const under = [...this.ticks(width, height, age), ...this.ageLine(age, height)];
    rows.forEach((row, index) => under.push(...this.rowShapes(row, index, { width, names, now })));
    this.under.replaceChildren(...under);
    this.drawMarks();
    this.tell();
  }

  x(time) {
    return this.left + SCALES[this.axis](Math.min(time, this.to), this.to) * this.room;
  }

  y(index) {
    return (index + 0.5) * this.rowPx - (this.beside ? 0 : 11) + 4;
  }

  // -- what does not have the focus -------------------------------------------------------

  ticks(width, height, age) {
    const bottom = height - 30;
    const nodes = [svg("line", { class: "lr-rule", x1: 0, x2: width, y1: bottom, y2: bottom })];
    const step = STEPS.find((one) => (one / this.to) * this.room >= 74) ?? STEPS.at(-1);
    const times =
      this.axis === "log"
        ? [0, ...TICKS]
        : Array.from({ length: Math.floor(this.to / step) + 1 }, (_, index) => index * step);
    let free = -Infinity;
    for (const time of times.filter((one) => one <= this.to * 1.0001)) {
      const x = this.x(time);
      const text = time ? this.length(time) : "0";
      const half = textWidth(text) / 2;
      nodes.push(svg("line", { class: "lr-grid", x1: x, x2: x, y1: 0, y2: bottom }));
      if (x - half < free + 8 || x + half > width) continue;
      free = x + half;
      nodes.push(svg("text", { class: "lr-tick-name", x, y: bottom + 14, "text-anchor": "middle" }, text));
    }
    const room = (this.ageName(age)?.from ?? width) - this.left - 6;
    nodes.push(
      svg("text", { class: "lr-tick-name", x: this.left, y: bottom + 28 }, shortened(this.say("since"), room)),
    );
    return nodes;
  }

  /** What stands at the line of the maximum age, and where; nothing if there is no such line. */
  ageName(age) {
    if (!age || age > this.to * 1.0001) return null;
    const x = this.x(age);
    const text = `${this.say("oldest")} ${this.length(age)}`;
    const wide = textWidth(text);
    const before = x + wide + 6 > this.left + this.room + this.endPx;
    return { text, x: before ? x : x - 2, anchor: before ? "end" : "start", from: before ? x - wide : x - 2 };
  }

  ageLine(age, height) {
    const name = this.ageName(age);
    if (!name) return [];
    const x = this.x(age);
    const right = this.left + this.room + 8;
    return [
      svg("rect", { class: "lr-too-old", x, y: 0, width: Math.max(0, right - x), height: height - 30 }),
      svg("line", { class: "lr-oldest", x1: x, x2: x, y1: 0, y2: height - 26 }),
      svg("text", { class: "lr-tick-name", x: name.x, y: height - 2, "text-anchor": name.anchor }, name.text),
    ];
  }

  rowShapes(row, index, { width, names, now }) {
    const nodes = [];
    const y = this.y(index);
    const bottom = (index + 1) * this.rowPx;
    if (index < this.rows.length - 1) {
      nodes.push(svg("line", { class: "lr-rule", x1: 0, x2: width, y1: bottom, y2: bottom }));
    }
    if (names) {
      const room = this.left - 12;
      nodes.push(
        svg("text", { class: "lr-name lr-code", x: 2, y: y - 3 }, row.title),
        svg("text", { class: "lr-id", x: 2, y: y + 12 }, shortened(row.sub, room), svg("title", {}, row.sub)),
      );
    }
    nodes.push(...this.waits(row, index, now));
    const right = this.left + this.room + 20;
    const lines = this.beside ? row.ends.slice(0, 2) : [row.ends.join(" · ")];
    lines.forEach((text, line) => {
      const x = this.beside ? right : 2;
      const place = this.beside ? y + 4 + (line - (lines.length - 1) / 2) * 15 : bottom - 9;
      const sort = line ? "lr-sent" : `lr-end lr-${row.endKind}`;
      const room = (width - x - 4) / (line ? 1 : 1.1); // the first line is bold, and so wider
      nodes.push(
        svg("text", { class: sort, x, y: place }, shortened(text, room), svg("title", {}, row.ends.join(" · "))),
      );
    });
    return nodes;
  }

  /** The lines of waiting between attempts, and the one that is not over yet. */
  waits(row, index, now) {
    const nodes = [];
    const y = this.y(index);
    row.attempts.forEach((one, place) => {
      const ended = one.end ?? one.at;
      if (this.x(ended) - this.x(one.at) > 3) {
        nodes.push(svg("line", { class: `lr-ran lr-${one.status ?? "running"}`, x1: this.x(one.at), x2: this.x(ended), y1: y, y2: y }));
      }
      if (!one.wait) return;
      const next = row.attempts[place + 1];
      const until = next ? next.at : Math.max(one.wait.due, ended);
      const [from, to] = [this.x(ended), this.x(until)];
      const open = !next && row.ended === null;
      nodes.push(
        svg("line", {
          class: `lr-wait lr-cause-${one.wait.cause}${open ? " lr-open" : ""}`,
          x1: from,
          x2: to,
          y1: y,
          y2: y,
        }),
      );
      const text = this.length(one.wait.delay);
      const size = textWidth(text) * 0.93;
      if (to - from > size + 24) {
        const middle = (from + to) / 2;
        nodes.push(svg("text", { class: "lr-wait-name", x: middle, y: y - 8, "text-anchor": "middle" }, text));
      }
      if (open) {
        nodes.push(svg("circle", { class: "lr-due", cx: to, cy: y, r: 4 }));
        const since = now - row.accepted;
        if (since > ended && since < until) {
          const x = this.x(since);
          nodes.push(svg("path", { class: "lr-now", d: `M${x} ${y - 7} V${y + 7}` }));
        }
      }
    });
    if (!row.attempts.length && row.ended !== null) {
      nodes.push(svg("path", { class: "lr-never", d: `M${this.x(0) - 5} ${y - 5} l10 10 m0 -10 l-10 10` }));
    }
    return nodes;
  }

  // -- the marks --------------------------------------------------------------------------

  /** Attempts of one outcome that lie too near to be told apart are one mark. */
  marksOf(row, index) {
    const marks = [];
    for (const one of row.attempts) {
      const status = one.status ?? "running";
      const x = this.x(one.at);
      const last = marks.at(-1);
      const near = last && x - last.right < APART && last.status === status;
      if (near && !one.changed && !last.attempts[0].changed) {
        last.attempts.push(one);
        last.right = x;
      } else {
        marks.push({ row, index, status, attempts: [one], left: x, right: x, key: `${row.id}#${one.number}` });
      }
    }
    return marks;
  }

  drawMarks() {
    const seen = new Set();
    const first = this.current ?? this.marks[0]?.key;
    for (const mark of this.marks) {
      const { key, status, attempts } = mark;
      seen.add(key);
      let node = this.nodes.get(key);
      if (!node) {
        node = svg("g", {
          role: "button",
          tabindex: -1,
          "data-key": key,
          onfocus: () => this.focus(key),
          onblur: () => this.blur(key),
          onpointerenter: () => this.hover(key),
          onpointerleave: () => this.hover(null),
          onclick: (event) => this.click(key, event),
        });
        this.nodes.set(key, node);
      }
      node.setAttribute("class", `lr-item lr-mark${attempts[0].changed ? " lr-changed" : ""}`);
      node.setAttribute("tabindex", key === first ? 0 : -1);
      if (!this.chosen) node.setAttribute("aria-pressed", String(key === this.pinned));
      node.setAttribute("aria-label", this.label(mark));
      node.replaceChildren(...this.shapes(mark, status));
    }
    for (const [key, node] of this.nodes) {
      if (seen.has(key)) continue;
      node.remove();
      this.nodes.delete(key);
    }
    // In their order, and without moving the one that has the focus: it would lose it.
    let before = null;
    for (const { key } of this.marks) {
      const node = this.nodes.get(key);
      const wanted = before ? before.nextSibling : this.layer.firstChild;
      if (node !== wanted) {
        if (node.contains(this.active())) {
          while (node.previousSibling !== before) this.layer.append(node.previousSibling);
        } else this.layer.insertBefore(node, wanted);
      }
      before = node;
    }
  }

  active() {
    return this.node.getRootNode().activeElement;
  }

  shapes(mark, status) {
    const y = this.y(mark.index);
    const { left, right, attempts } = mark;
    const box = { x: left - 11, y: y - 12, width: right - left + 22, height: 24, rx: 6 };
    const shapes = [svg("rect", { class: "lr-hit", ...box }), svg("title", {}, this.label(mark))];
    if (attempts.length > 1) {
      shapes.push(
        svg("rect", { class: `lr-many lr-${status}`, x: left - 8, y: y - 8, width: right - left + 16, height: 16, rx: 8 }),
      );
      for (const one of attempts) {
        const x = this.x(one.at);
        shapes.push(svg("path", { class: `lr-each lr-${status}`, d: `M${x} ${y + 5} v5` }));
      }
      const text = `×${attempts.length}`;
      const inside = right - left > textWidth(text) + 8;
      shapes.push(retrySign(status, inside ? left : (left + right) / 2, y));
      shapes.push(
        svg(
          "text",
          { class: "lr-word", x: inside ? left + 11 : (left + right) / 2, y: inside ? y + 4 : y + 22, "text-anchor": inside ? "start" : "middle" },
          text,
        ),
      );
    } else {
      shapes.push(retrySign(status, left, y));
    }
    shapes.push(svg("rect", { class: "lr-ring", ...box }));
    return shapes;
  }

  label(mark) {
    const { say } = this;
    const [one, last] = [mark.attempts[0], mark.attempts.at(-1)];
    const outcome = say(`outcome.${mark.status}`);
    const text =
      one === last
        ? say("mark.one", { number: one.number, outcome, at: this.length(one.at) })
        : say("mark.many", {
            number: one.number,
            last: last.number,
            outcome,
            at: this.length(one.at),
            until: this.length(last.at),
          });
    return mark.row.request ? say("mark.of", { mark: text, id: shortId(mark.row.request) }) : text;
  }

  // -- moving -----------------------------------------------------------------------------

  tell() {
    const key = this.pinned ?? this.hovered ?? this.focused ?? null;
    this.told(this.marks.find((mark) => mark.key === key) ?? null, key !== null && key === this.pinned);
  }

  focus(key) {
    this.focused = this.current = key;
    for (const [other, node] of this.nodes) node.setAttribute("tabindex", other === key ? 0 : -1);
    this.tell();
  }

  blur(key) {
    if (this.focused === key) this.focused = null;
  }

  hover(key) {
    this.hovered = key;
    this.tell();
  }

  hold(key) {
    this.pinned = key;
    for (const [other, node] of this.nodes) node.setAttribute("aria-pressed", String(other === key));
    this.tell();
  }

  click(key, event) {
    const mark = this.marks.find((one) => one.key === key);
    if (!mark) return;
    if (!this.chosen) {
      this.current = key;
      this.hold(this.pinned === key ? null : key);
      return;
    }
    const at = event.clientX - this.node.getBoundingClientRect().left;
    const away = (one) => Math.abs(this.x(one.at) - at);
    this.choose(mark.attempts.reduce((best, one) => (away(one) < away(best) ? one : best)));
  }

  choose(attempt) {
    const row = this.rows[0];
    this.chosen(attempt);
    const key = `${row.id}#${attempt.number}`;
    this.nodes.get(key)?.focus({ preventScroll: true });
  }

  go(mark) {
    if (!mark) return;
    this.current = mark.key;
    this.nodes.get(mark.key)?.focus();
  }

  key(event) {
    const mark = this.marks.find(({ key }) => key === (event.target.dataset?.key ?? this.current));
    if (!mark || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = this.marks.filter(({ index }) => index === mark.index);
    const at = row.indexOf(mark);
    const other = (by) => {
      for (let index = mark.index + by; index >= 0 && index < this.rows.length; index += by) {
        const near = this.marks.filter((one) => one.index === index);
        const away = (one) => Math.abs(one.left - mark.left);
        if (near.length) return near.reduce((best, one) => (away(one) < away(best) ? one : best));
      }
      return null;
    };
    const press = () =>
      this.chosen ? this.choose(mark.attempts[0]) : this.hold(this.pinned === mark.key ? null : mark.key);
    const actions = {
      ArrowLeft: () => this.go(row[at - 1]),
      ArrowRight: () => this.go(row[at + 1]),
      ArrowUp: () => this.go(other(-1)),
      ArrowDown: () => this.go(other(1)),
      Home: () => this.go(row[0]),
      End: () => this.go(row.at(-1)),
      Enter: press,
      " ": press,
      Escape: () => this.hold(null),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }
}
