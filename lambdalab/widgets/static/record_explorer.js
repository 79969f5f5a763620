// The record explorer: a line of JSON is pointed at, and a curve leads to where it came from.

const SENTENCES = new Set(["attempts", "format", "none"]); // cards whose rows are words, not values
const CURVES = 14; // at most: the fields of one card may be many

class RecordView {
  constructor(model, el, signal) {
    this.model = model;
    this.say = speaker(model);
    this.pinned = null;
    this.build(el);
    const watch = new ResizeObserver(() => this.join());
    watch.observe(this.body);
    signal.addEventListener("abort", () => watch.disconnect());
    addEventListener("scroll", () => this.join(), { capture: true, passive: true, signal });
    listen(model, "change:records", () => this.show(), signal);
    listen(model, "change:chosen", () => this.show(), signal);
    listen(model, "change:beside", () => this.side(), signal);
    listen(model, "change:note", () => this.noted(), signal);
    this.show();
    this.noted();
  }

  get one() {
    const records = this.model.get("records");
    return records[Math.min(this.model.get("chosen"), records.length - 1)];
  }

  set(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    this.model.save_changes();
  }

  build(el) {
    const { say, model } = this;
    const choice = unique("record");
    this.choice = html("select", {
      id: choice,
      onchange: () => this.set({ chosen: Number(this.choice.value) }),
    });
    this.chooser = html("label", { for: choice }, say("choose"), this.choice);
    this.tabs = new Map(
      ["origin", "dlq"].map((name) => [
        name,
        html("button", { type: "button", onclick: () => this.set({ beside: name }) }, say(`tool.${name}`)),
      ]),
    );
    this.title = html("span", { class: "ll-title" });
    this.json = html("div", {
      class: "ll-json ll-mono",
      role: "listbox",
      "aria-label": say("json"),
      onkeydown: (event) => this.key(event),
      onmouseleave: () => this.point(null),
    });
    this.cards = html("div", { class: "ll-cards", onmouseleave: () => this.point(null) });
    this.curves = svg("svg", { class: "ll-curves", "aria-hidden": true });
    this.heading = html("p", { class: "ll-beside" });
    this.body = html(
      "div",
      { class: "ll-body" },
      this.json,
      html("div", { class: "ll-side" }, this.heading, this.cards),
      this.curves,
    );
    this.panel = html("div", { class: "ll-panel", role: "status" });
    this.note = html("p", { class: "ll-note", role: "alert" });
    this.foot = html("p", { class: "ll-small" });
    el.append(
      html(
        "div",
        { class: "lambdalab ll-record", lang: model.get("lang") },
        html(
          "div",
          { class: "ll-head" },
          this.title,
          this.chooser,
          html("span", { class: "ll-space" }),
          html("span", { class: "ll-join", role: "group", "aria-label": say("tool.group") }, ...this.tabs.values()),
          model.get("live")
            ? html("button", { type: "button", onclick: () => model.send({ do: "refresh" }) }, say("tool.refresh"))
            : null,
          html("button", { type: "button", onclick: () => this.reset() }, say("tool.reset")),
        ),
        this.note,
        this.panel,
        this.body,
        this.foot,
      ),
    );
  }

  reset() {
    this.pinned = null;
    this.set({ chosen: 0, beside: "origin" });
    this.show();
  }

  noted() {
    this.note.textContent = this.model.get("note");
  }

  // -- drawing ----------------------------------------------------------------------------

  show() {
    const { say, one } = this;
    const records = this.model.get("records");
    const focused = this.json.contains(this.json.getRootNode().activeElement);
    this.title.textContent = say(one.stream ? "stream_title" : "title");
    this.chooser.hidden = records.length < 2;
    this.choice.replaceChildren(
      ...records.map(({ name }, index) => html("option", { value: index }, name)),
    );
    this.choice.value = this.model.get("chosen");
    if (this.pinned && !(this.pinned in one.fields)) this.pinned = null;
    this.rows = new Map();
    let first = true;
    this.json.replaceChildren(
      ...one.lines.map((line) => {
        const row = this.row(line, first);
        if (row.dataset.path) first = false;
        return row;
      }),
    );
    this.foot.replaceChildren(
      say("page"),
      html("a", { href: one.page.url, target: "_blank", rel: "noopener" }, one.page.name),
      ` · ${one.page.read}`,
    );
    this.side();
    if (focused) this.json.querySelector("[tabindex='0']")?.focus();
  }

  row(line, first) {
    const { say } = this;
    const own = line.path && line.kind !== "close" && line.kind !== "more";
    const text = line.kind === "more" ? say("more", { count: line.text }) : line.text;
    const parts = [
      line.key === null
        ? null
        : html("span", { class: "ll-name" }, JSON.stringify(line.key)),
      line.key === null ? null : ": ",
      html("span", { class: `ll-${line.kind}` }, text),
      line.comma ? "," : null,
    ].filter((part) => part !== null);
    const row = html(
      "div",
      {
        class: "ll-line",
        role: own ? "option" : "presentation",
        tabindex: own ? (first ? 0 : -1) : null,
        "aria-selected": own ? "false" : null,
        style: `padding-left: ${8 + line.indent * 18}px`,
        onmouseenter: () => this.point(own ? { path: line.path } : null),
        onfocus: () => this.point({ path: line.path }),
        onclick: () => own && this.pin(line.path),
      },
      html("span", { class: "ll-said" }, ...parts),
    );
    row.dataset.of = line.path;
    if (own) {
      row.dataset.path = line.path;
      this.rows.set(line.path, row);
    }
    return row;
  }

  side() {
    const { say, one } = this;
    const beside = this.model.get("beside");
    for (const [name, tab] of this.tabs) tab.setAttribute("aria-pressed", String(name === beside));
    this.heading.textContent = beside === "dlq" ? say("dlq.title") : say("origin");
    this.boxes = new Map(
      one[beside].map(({ id, title, rows }) => [
        id,
        html(
          "section",
          {
            class: `ll-card ll-of-${id}`,
            tabindex: 0,
            "aria-label": title,
            onmouseenter: () => this.point({ card: id }),
            onfocus: () => this.point({ card: id }),
            onblur: () => this.point(null),
          },
          html("h5", {}, title),
          ...rows.map(([name, value]) =>
            html(
              "p",
              {},
              name ? html("span", { class: "ll-what" }, name) : null,
              html("span", { class: name || !SENTENCES.has(id) ? "ll-value ll-mono" : "ll-value" }, value),
            ),
          ),
        ),
      ]),
    );
    this.cards.replaceChildren(...this.boxes.values());
    this.point(null);
  }

  // -- pointing ---------------------------------------------------------------------------

  /** Show what a field or a card is; nothing: what is kept, if anything is. */
  point(what) {
    const { say, one } = this;
    this.pointed = what ?? (this.pinned ? { path: this.pinned } : null);
    const { path, card } = this.pointed ?? {};
    const beside = this.model.get("beside");
    const names = [...this.rows.keys()];
    this.from = path ? [path] : names.filter((name) => one.fields[name][beside].includes(card) && !this.inside(name, card));
    this.to = path ? one.fields[path][beside] : card ? [card] : [];
    for (const row of this.json.children) {
      const name = row.dataset.of;
      row.classList.toggle("ll-on", this.from.some((each) => name === each || name.startsWith(`${each}.`)));
      if (row.dataset.path) row.setAttribute("aria-selected", String(name === this.pinned));
    }
    for (const [id, box] of this.boxes) box.classList.toggle("ll-on", this.to.includes(id));
    this.panel.replaceChildren(...this.told(path, card, beside));
    this.panel.dataset.empty = String(!this.pointed);
    this.join();
  }

  /** Whether a field lies in another one of the same card: one curve for both is enough. */
  inside(name, card) {
    const above = name.slice(0, Math.max(name.lastIndexOf("."), 0));
    return above !== "" && this.one.fields[above]?.[this.model.get("beside")].includes(card);
  }

  told(path, card, beside) {
    const { say, one } = this;
    if (path) {
      const { what, here } = one.fields[path];
      return [
        html(
          "p",
          { class: "ll-where" },
          html("code", {}, path),
          this.pinned === path ? html("span", { class: "ll-pinned" }, say("pinned")) : null,
        ),
        html("p", {}, what),
        here ? html("p", { class: "ll-here" }, here) : null,
      ].filter((part) => part !== null);
    }
    if (card) {
      const { title } = one[beside].find(({ id }) => id === card);
      const key = beside === "dlq" && card !== "none" ? "card_holds" : "card_fields";
      return [
        html("p", { class: "ll-where" }, html("strong", {}, title)),
        this.from.length && (beside !== "dlq" || card !== "none")
          ? html("p", {}, say(key, { paths: this.from.join(", ") }))
          : html("p", {}, one[beside].find(({ id }) => id === card).rows.map(([, value]) => value).join(" ")),
      ];
    }
    return [html("p", {}, say("hint"))];
  }

  pin(path) {
    this.pinned = this.pinned === path ? null : path;
    this.rove(path);
    this.point({ path });
  }

  rove(path) {
    for (const row of this.rows.values()) row.tabIndex = row.dataset.path === path ? 0 : -1;
    this.rows.get(path).focus({ preventScroll: true });
  }

  key(event) {
    const names = [...this.rows.keys()];
    const at = names.indexOf(event.target.dataset?.path);
    if (at < 0) return;
    if (event.key === "Escape" && this.pinned) {
      event.preventDefault();
      this.pinned = null;
      this.point({ path: names[at] });
      return;
    }
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.pin(names[at]);
      return;
    }
    const aim = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: names.length - 1,
      PageDown: at + 8,
      PageUp: at - 8,
    }[event.key];
    if (aim === undefined) return;
    event.preventDefault();
    this.rove(names[Math.min(Math.max(aim, 0), names.length - 1)]);
  }

  // -- curves -----------------------------------------------------------------------------

  /** Draw a curve from each field that is pointed at to each of its cards. */
  join() {
    const frame = this.body.getBoundingClientRect();
    const wide = frame.width > 0 && getComputedStyle(this.curves).display !== "none";
    if (!wide || !this.to) {
      this.curves.replaceChildren();
      return;
    }
    const shapes = [];
    for (const path of this.from.slice(0, CURVES)) {
      const said = this.rows.get(path)?.querySelector(".ll-said").getBoundingClientRect();
      if (!said) continue;
      for (const id of this.to) {
        const box = this.boxes.get(id)?.getBoundingClientRect();
        if (!box) continue;
        const x = Math.min(said.right, box.left - 24) - frame.left + 5;
        const y = said.top + Math.min(said.height / 2, 10) - frame.top;
        const end = box.left - frame.left - 1;
        const low = Math.min(Math.max(y, box.top - frame.top + 14), box.bottom - frame.top - 10);
        const half = Math.max((end - x) / 2, 12);
        shapes.push(
          svg("path", { class: "ll-curve", d: `M${x} ${y}C${x + half} ${y} ${end - half} ${low} ${end} ${low}` }),
          svg("circle", { cx: x, cy: y, r: 3 }),
          svg("circle", { cx: end, cy: low, r: 3 }),
        );
      }
    }
    this.curves.replaceChildren(...shapes);
  }
}

export default {
  render({ model, el }) {
    const gone = new AbortController();
    new RecordView(model, el, gone.signal);
    return () => gone.abort();
  },
};
