// Sorting services into the three ways in: chosen, put, checked, and put again.

class SortView {
  constructor(model, say, services) {
    this.model = model;
    this.say = say;
    this.services = services;
    this.history = [];
    this.checked = false;
    this.picked = null;
    this.build();
  }

  build() {
    const { say } = this;
    this.poolTitle = html("span", { class: "ll-pool-title" });
    this.pool = html("div", { class: "ll-pool", onkeydown: (event) => this.key(event), ...this.drop(null) });
    this.columns = new Map(
      ["sync", "async", "poll"].map((mode, index) => [mode, this.column(mode, index + 1)]),
    );
    this.undoButton = html("button", { type: "button", onclick: () => this.undo() }, say("sort.undo"));
    this.checkButton = html("button", { type: "button", class: "ll-main", onclick: () => this.check() }, say("sort.check"));
    this.note = html("p", { class: "ll-note", role: "status" });
    this.wrong = html("ul", { class: "ll-why" });
    this.node = html(
      "div",
      { class: "ll-sort" },
      html("p", { class: "ll-ask" }, html("strong", {}, say("sort.title")), " ", say("sort.ask")),
      this.poolTitle,
      this.pool,
      html("div", { class: "ll-columns" }, ...[...this.columns.values()].map(({ node }) => node)),
      html(
        "div",
        { class: "ll-tools" },
        this.checkButton,
        this.undoButton,
        html("button", { type: "button", onclick: () => this.again() }, say("sort.again")),
        html("button", { type: "button", onclick: () => this.solve() }, say("sort.solve")),
      ),
      this.note,
      this.wrong,
    );
  }

  column(mode, number) {
    const { say } = this;
    const list = html("div", { class: "ll-cards", onkeydown: (event) => this.key(event) });
    const button = html(
      "button",
      { type: "button", class: "ll-put", onclick: () => this.put(this.picked, mode) },
      say("sort.put", { key: number }),
    );
    const node = html(
      "section",
      { class: `ll-column ll-${mode}`, "aria-label": say(`mode.${mode}`), ...this.drop(mode) },
      html("h4", {}, modeSign(mode), say(`mode.${mode}`)),
      html("p", { class: "ll-about" }, say(`about.${mode}`)),
      list,
      button,
    );
    return { node, list, button };
  }

  drop(mode) {
    return {
      ondragover: (event) => {
        event.preventDefault();
        event.stopPropagation(); // the notebook would take it for a file
      },
      ondrop: (event) => {
        event.preventDefault();
        event.stopPropagation();
        const name = event.dataTransfer.getData("text/plain");
        if (this.services.has(name)) this.put(name, mode);
      },
    };
  }

  // -- doing ------------------------------------------------------------------------------

  get placed() {
    return this.model.get("placed");
  }

  tell(placed) {
    this.model.set("placed", placed);
    this.model.save_changes();
    this.update();
  }

  pick(name) {
    this.picked = name;
    this.update();
    this.cards.get(name)?.focus();
  }

  put(name, mode) {
    if (!name || (this.placed[name] ?? null) === mode) return;
    this.history.push(this.placed);
    this.checked = false;
    const { [name]: _, ...rest } = this.placed;
    const before = this.order();
    const next = before[before.indexOf(name) + 1] ?? before[before.indexOf(name) - 1] ?? null;
    const inPool = !(name in this.placed);
    const focused = this.node.contains(this.node.getRootNode().activeElement);
    this.picked = inPool && mode ? next : null;
    this.tell(mode ? { ...rest, [name]: mode } : rest);
    if (focused) (this.cards.get(this.picked) ?? this.checkButton).focus();
  }

  undo() {
    const before = this.history.pop();
    if (before === undefined) return;
    this.checked = false;
    this.tell(before);
  }

  forget() {
    this.history = [];
    this.checked = false;
    this.solved = false;
    this.picked = null;
  }

  again() {
    const had = this.placed;
    this.forget();
    if (Object.keys(had).length) this.history.push(had);
    this.tell({});
  }

  solve() {
    this.history.push(this.placed);
    this.checked = true;
    this.solved = true;
    this.picked = null;
    this.tell(Object.fromEntries([...this.services.values()].map(({ id, mode }) => [id, mode])));
  }

  check() {
    this.checked = true;
    this.solved = false;
    this.update();
  }

  /** The services of the pool, in order. */
  order() {
    return [...this.services.keys()].filter((name) => !(name in this.placed));
  }

  key(event) {
    const card = event.target.closest(".ll-card");
    if (!card) return;
    const name = card.dataset.id;
    const mode = { 1: "sync", 2: "async", 3: "poll" }[event.key];
    if (mode) {
      event.preventDefault();
      this.put(name, mode);
      return;
    }
    if (event.key === "Backspace" || event.key === "Delete") {
      event.preventDefault();
      this.put(name, null);
      return;
    }
    const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!move) return;
    event.preventDefault();
    const all = [...card.parentNode.querySelectorAll(".ll-card")];
    this.pick(all[(all.indexOf(card) + move + all.length) % all.length].dataset.id);
  }

  // -- drawing ----------------------------------------------------------------------------

  update() {
    const { say, placed } = this;
    const focused = this.node.getRootNode().activeElement?.dataset?.id;
    const pool = this.order();
    if (!this.services.has(this.picked)) this.picked = null;
    this.cards = new Map();
    this.poolTitle.textContent = pool.length ? say("sort.pool", { count: pool.length }) : say("sort.pool_empty");
    this.pool.replaceChildren(...pool.map((name, index) => this.card(name, index === 0)));
    for (const [mode, { list, button }] of this.columns) {
      const here = Object.keys(placed).filter((name) => placed[name] === mode && this.services.has(name));
      list.replaceChildren(...here.map((name, index) => this.card(name, index === 0)));
      if (!here.length) list.append(html("span", { class: "ll-empty" }, say("sort.empty")));
      const name = this.services.get(this.picked)?.name;
      button.disabled = !name || placed[this.picked] === mode;
      if (name) button.setAttribute("aria-label", say("sort.put_name", { service: name, mode: say(`mode.${mode}`) }));
      else button.removeAttribute("aria-label");
    }
    this.undoButton.disabled = !this.history.length;
    this.checkButton.disabled = Object.keys(placed).length === 0;
    this.verdict(pool.length);
    if (focused && this.cards.has(focused)) this.cards.get(focused).focus();
  }

  card(name, first) {
    const { say } = this;
    const { name: title, mode } = this.services.get(name);
    const place = this.placed[name];
    const verdict = this.checked && place ? (place === mode ? "right" : "not_right") : null;
    const where = [place ? say(`mode.${place}`) : say("sort.unsorted")];
    if (name === this.picked) where.push(say("sort.chosen"));
    if (verdict) where.push(say(`sort.${verdict}`));
    const card = html(
      "button",
      {
        type: "button",
        class: "ll-card",
        draggable: "true",
        "aria-pressed": String(name === this.picked),
        "aria-label": say("sort.card", { service: title, where: where.join(", ") }),
        tabindex: name === this.picked || (first && !this.sameBox(name)) ? 0 : -1,
        onclick: () => this.pick(name),
        ondragstart: (event) => event.dataTransfer.setData("text/plain", name),
      },
      verdict ? html("span", { class: `ll-verdict ll-${verdict}`, "aria-hidden": "true" }, verdict === "right" ? "✓" : "✗") : null,
      title,
    );
    card.dataset.id = name;
    this.cards.set(name, card);
    return card;
  }

  /** Whether the chosen card lies in the same box: then it, and not the first, takes the focus. */
  sameBox(name) {
    return this.picked !== null && (this.placed[this.picked] ?? null) === (this.placed[name] ?? null);
  }

  verdict(rest) {
    const { say, placed } = this;
    if (!this.checked) {
      this.note.textContent = "";
      this.wrong.replaceChildren();
      return;
    }
    const known = Object.entries(placed).filter(([name]) => this.services.has(name));
    const wrong = known.filter(([name, mode]) => this.services.get(name).mode !== mode);
    const all = this.services.size;
    const right = known.length - wrong.length;
    const told = this.solved
      ? [say("sort.shown")]
      : right === all
        ? [say("sort.done", { all })]
        : [say("sort.score", { right, all }), ...(rest ? [say("sort.rest", { count: rest })] : [])];
    this.note.textContent = told.join(" ");
    this.wrong.replaceChildren(
      ...wrong.map(([name]) => {
        const one = this.services.get(name);
        return html("li", {}, say("sort.wrong", { service: one.name, why: one.why }));
      }),
    );
  }
}
