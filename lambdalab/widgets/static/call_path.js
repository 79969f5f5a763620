// The call path: what is chosen, what is played, and the rules in words.

const STAY = 1500; // ms that a step stays before the next one comes
const MODES = ["sync", "async", "poll"];
const OUTCOMES = ["success", "error", "throttled"];

class CallPathView {
  constructor(model, el, signal) {
    this.model = model;
    this.say = speaker(model);
    this.services = new Map(model.get("services").map((one) => [one.id, one]));
    this.picture = new PathPicture(this.say, signal);
    this.sorting = new SortView(model, this.say, this.services);
    this.step = -1;
    this.build(el);
    this.room = this.stage.clientWidth || 700;
    const watch = new ResizeObserver(([{ contentRect }]) => {
      const room = contentRect.width || this.room;
      if (Math.abs(room - this.room) < 1) return;
      this.room = room;
      this.draw();
    });
    watch.observe(this.stage);
    signal.addEventListener("abort", () => {
      watch.disconnect();
      clearTimeout(this.timer);
    });
    listen(model, "change:service", () => this.chosen(), signal);
    listen(model, "change:outcome", () => this.began(), signal);
    listen(model, "change:compare", () => this.table(), signal);
    listen(model, "change:view", () => this.views(), signal);
    listen(model, "change:placed", () => this.sorting.update(), signal);
    this.views();
    this.chosen();
    this.step = this.steps().length - 1; // what was played before is shown as it ended
    this.tell();
  }

  get service() {
    return this.services.get(this.model.get("service"));
  }

  set(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    this.model.save_changes();
  }

  build(el) {
    const { say, model } = this;
    this.chips = new Map();
    const rows = MODES.filter((mode) => [...this.services.values()].some((one) => one.mode === mode));
    this.picker = html(
      "div",
      { class: "ll-picker", role: "radiogroup", "aria-label": say("tool.service"), onkeydown: (event) => this.key(event) },
      ...rows.map((mode) =>
        html(
          "div",
          { class: `ll-row ll-${mode}` },
          html("span", { class: "ll-mode-name", title: say(`about.${mode}`) }, modeSign(mode), say(`mode.${mode}`)),
          html("div", { class: "ll-chips" }, ...this.chipsOf(mode)),
        ),
      ),
    );
    this.stage = html("div", { class: "ll-stage" }, this.picture.node);
    this.buttons = new Map(
      OUTCOMES.map((outcome) => [
        outcome,
        html(
          "button",
          { type: "button", class: `ll-play ll-${outcome}`, "aria-pressed": "false", onclick: () => this.play(outcome) },
          say(`tool.${outcome}`),
        ),
      ]),
    );
    this.backButton = html("button", { type: "button", "aria-label": say("tool.back"), title: say("tool.back"), onclick: () => this.go(this.step - 1) }, "←");
    this.nextButton = html("button", { type: "button", "aria-label": say("tool.next"), title: say("tool.next"), onclick: () => this.go(this.step + 1) }, "→");
    this.count = html("span", { class: "ll-count" });
    this.list = html("ol", { class: "ll-steps", "aria-live": "polite" });
    this.idle = html("p", { class: "ll-idle" }, say("idle"));
    const compare = unique("compare");
    this.compare = html(
      "select",
      { id: compare, onchange: () => this.set({ compare: this.compare.value }) },
      html("option", { value: "" }, say("tool.nothing")),
      ...MODES.map((mode) => {
        const here = [...this.services.values()].filter((one) => one.mode === mode);
        return html("optgroup", { label: say(`mode.${mode}`) }, ...here.map((one) => html("option", { value: one.id }, one.name)));
      }).filter((group) => group.childElementCount > 0),
    );
    this.rules = html("div", { class: "ll-rules", tabindex: 0, role: "group" });
    this.pathView = html(
      "div",
      { class: "ll-path-view" },
      this.picker,
      this.stage,
      html(
        "div",
        { class: "ll-tools ll-player", role: "group", "aria-label": say("tool.outcome") },
        html("span", { class: "ll-what" }, say("tool.outcome")),
        ...this.buttons.values(),
        html("span", { class: "ll-space" }),
        html("span", { class: "ll-join" }, this.backButton, this.nextButton),
        this.count,
      ),
      html("div", { class: "ll-told" }, this.idle, this.list),
      html(
        "div",
        { class: "ll-tools ll-comparing" },
        html("label", { for: compare }, say("tool.compare"), this.compare),
      ),
      this.rules,
    );
    this.tabs = new Map(
      ["path", "sort"].map((view) => [
        view,
        html("button", { type: "button", onclick: () => this.set({ view }) }, say(`view.${view}`)),
      ]),
    );
    const page = model.get("page");
    el.append(
      html(
        "div",
        { class: "lambdalab ll-call-path", lang: model.get("lang") },
        html(
          "div",
          { class: "ll-head" },
          html("span", { class: "ll-title" }, say("title")),
          html("span", { class: "ll-space" }),
          html("span", { class: "ll-join", role: "group", "aria-label": say("view.group") }, ...this.tabs.values()),
          html("button", { type: "button", onclick: () => this.reset() }, say("tool.reset")),
        ),
        this.pathView,
        this.sorting.node,
        html(
          "p",
          { class: "ll-small" },
          html("a", { href: page.url, target: "_blank", rel: "noopener" }, page.name),
          ` · ${page.read}`,
        ),
      ),
    );
  }

  chipsOf(mode) {
    return [...this.services.values()]
      .filter((one) => one.mode === mode)
      .map((one) => {
        const chip = html(
          "button",
          { type: "button", class: "ll-chip", role: "radio", onclick: () => this.set({ service: one.id }) },
          one.name,
        );
        this.chips.set(one.id, chip);
        return chip;
      });
  }

  // -- choosing ---------------------------------------------------------------------------

  key(event) {
    const order = [...this.chips.keys()];
    const at = order.indexOf(this.model.get("service"));
    const aim = {
      ArrowRight: at + 1,
      ArrowDown: at + 1,
      ArrowLeft: at - 1,
      ArrowUp: at - 1,
      Home: 0,
      End: order.length - 1,
    }[event.key];
    if (aim === undefined) return;
    event.preventDefault();
    const name = order[(aim + order.length) % order.length];
    this.set({ service: name });
    this.chips.get(name).focus();
  }

  chosen() {
    const name = this.model.get("service");
    for (const [id, chip] of this.chips) {
      chip.setAttribute("aria-checked", String(id === name));
      chip.tabIndex = id === name ? 0 : -1;
    }
    this.step = -1;
    this.draw();
    this.table();
    this.began();
  }

  reset() {
    clearTimeout(this.timer);
    this.sorting.forget();
    this.set({ ...this.model.get("start"), outcome: "", placed: {} });
    this.step = -1;
    this.tell();
  }

  views() {
    const view = this.model.get("view");
    for (const [name, tab] of this.tabs) tab.setAttribute("aria-pressed", String(name === view));
    this.pathView.hidden = view !== "path";
    this.sorting.node.hidden = view !== "sort";
    this.sorting.update();
  }

  // -- playing ----------------------------------------------------------------------------

  steps() {
    return this.service.stories[this.model.get("outcome")] ?? [];
  }

  /** Another outcome, or another service: its story begins again, without being played. */
  began() {
    clearTimeout(this.timer);
    this.step = -1;
    this.tell();
  }

  play(outcome) {
    this.set({ outcome });
    this.began();
    if (calm()) this.go(this.steps().length - 1);
    else this.run();
  }

  run() {
    if (this.step >= this.steps().length - 1) return;
    this.step += 1;
    this.tell(true);
    this.timer = setTimeout(() => this.run(), STAY);
  }

  go(step) {
    clearTimeout(this.timer);
    const moved = step > this.step;
    this.step = Math.min(Math.max(step, -1), this.steps().length - 1);
    this.tell(moved);
  }

  tell(moving = false) {
    const { say } = this;
    const outcome = this.model.get("outcome");
    const steps = this.steps();
    for (const [name, button] of this.buttons) button.setAttribute("aria-pressed", String(name === outcome));
    this.backButton.disabled = this.step < 0;
    this.nextButton.disabled = this.step >= steps.length - 1;
    this.count.textContent = steps.length ? say("tool.count", { step: this.step + 1, all: steps.length }) : "";
    this.idle.hidden = this.step >= 0;
    const shown = steps.slice(0, this.step + 1);
    while (this.list.childElementCount > shown.length) this.list.lastChild.remove();
    if (this.told !== `${this.service.id}/${outcome}`) this.list.replaceChildren();
    this.list.classList.toggle("ll-timed", steps.some(({ at }) => at));
    this.told = `${this.service.id}/${outcome}`;
    for (const { at, text, bad } of shown.slice(this.list.childElementCount)) {
      this.list.append(
        html("li", { class: bad ? "ll-bad" : null }, html("span", { class: "ll-at" }, at), html("span", {}, text)),
      );
    }
    [...this.list.children].forEach((item, index) => {
      if (index === this.step) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
    if (this.step < 0) this.picture.rest();
    else this.picture.show(steps[this.step], moving);
  }

  // -- the rules in words -----------------------------------------------------------------

  draw() {
    this.picture.draw(this.service, Math.max(Math.floor(this.room), 320));
    if (this.step >= 0) this.picture.show(this.steps()[this.step], false);
  }

  table() {
    const { say } = this;
    const one = this.service;
    const other = this.services.get(this.model.get("compare"));
    const both = other && other !== one ? [one, other] : [one];
    this.compare.value = other ? other.id : "";
    const caption = both.length > 1
      ? say("compared", { service: one.name, other: other.name })
      : say("facts", { service: one.name });
    this.rules.setAttribute("aria-label", caption);
    const head = both.length > 1
      ? html(
          "thead",
          {},
          html("tr", {}, html("td", {}), ...both.map((each) => html("th", { scope: "col" }, modeSign(each.mode), each.name))),
        )
      : html("thead", { hidden: true });
    const rows = one.rows.map(({ key }, index) => {
      const cells = both.map((each) => each.rows[index].text);
      const differs = both.length > 1 && cells[0] !== cells[1];
      return html(
        "tr",
        { class: differs ? "ll-differs" : null },
        html("th", { scope: "row" }, say(`row.${key}`)),
        ...cells.map((text) => html("td", {}, ...this.cell(key, text))),
      );
    });
    const pages = both.map(({ page }) =>
      html("td", {}, html("a", { href: page.url, target: "_blank", rel: "noopener" }, page.name), ` · ${page.read}`),
    );
    this.rules.replaceChildren(
      html(
        "table",
        { class: "ll-table" },
        html("caption", {}, caption),
        head,
        html("tbody", {}, ...rows, html("tr", {}, html("th", { scope: "row" }, say("row.source")), ...pages)),
      ),
    );
  }

  cell(key, text) {
    const [first, ...rest] = text.split("\n");
    const more = key === "permission"
      ? [html("div", { class: "ll-grants" }, ...rest.map((grant) => html("code", {}, grant)))]
      : rest.map((line) => html("div", {}, line));
    return [first, ...more];
  }
}

export default {
  render({ model, el }) {
    const gone = new AbortController();
    new CallPathView(model, el, gone.signal);
    return () => gone.abort();
  },
};
