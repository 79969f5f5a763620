// The sandbox monitor: which environments exist, and the log as it is written.

const NEAR_PX = 24; // so close to the end, the log is read as it grows

/** What the kernel told. */
class Board {
  constructor() {
    this.lines = [];
    this.environments = [];
    this.dropped = false;
    this.invocations = 0;
  }

  apply(message) {
    if (message.cleared) {
      this.lines = [];
      this.dropped = false;
    }
    if (message.lines) this.lines.push(...message.lines);
    const surplus = this.lines.length - message.limit;
    if (surplus > 0) this.lines.splice(0, surplus);
    this.dropped ||= message.dropped || surplus > 0;
    if (message.environments) {
      this.environments = message.environments;
      this.invocations = message.invocations;
    }
  }
}

class MonitorView {
  constructor(model, el, feed, board, signal) {
    this.model = model;
    this.board = board;
    this.say = speaker(model);
    this.build(el, signal);
    const redraw = () => this.schedule();
    feed.watchers.add(redraw);
    signal.addEventListener("abort", () => feed.watchers.delete(redraw));
    for (const name of ["note", "working", "undoable", "state"]) {
      listen(model, `change:${name}`, redraw, signal);
    }
    this.draw();
    this.log.scrollTop = this.log.scrollHeight;
  }

  build(el, signal) {
    const { model, say } = this;
    const name = unique("filter");
    const button = (key, action) =>
      html("button", { type: "button", onclick: action }, say(`monitor.${key}`));
    const act = (action) => () => model.send({ do: action });
    this.retire = button("retire", act("retire"));
    this.reset = button("reset", () => this.askReset(true));
    this.undo = button("undo", act("undo"));
    this.confirm = button("confirm", () => {
      this.askReset(false);
      act("reset")();
    });
    this.cancel = button("cancel", () => this.askReset(false));
    const question = unique("question");
    this.ask = html(
      "div",
      {
        class: "ll-ask",
        role: "alertdialog",
        "aria-labelledby": question,
        hidden: true,
        onkeydown: (event) => event.key === "Escape" && this.askReset(false),
      },
      html("p", { id: question }, say("monitor.ask")),
      html("div", {}, this.confirm, this.cancel),
    );
    this.note = html("p", { class: "ll-note", role: "status" });
    this.answer = html("div", { class: "ll-answer" }, this.note, this.undo);
    this.counts = html("span", {});
    this.environments = html("div", { class: "ll-environments", tabindex: 0, role: "region" });
    this.environments.setAttribute("aria-label", say("monitor.environments"));
    this.filter = html("select", { id: name, onchange: () => this.draw(true) });
    this.log = html("div", {
      class: "ll-log",
      tabindex: 0,
      role: "log",
      "aria-label": say("monitor.log"),
    });
    el.append(
      html(
        "div",
        { class: "lambdalab ll-monitor", lang: model.get("lang") },
        html(
          "div",
          { class: "ll-head" },
          html("span", { class: "ll-title" }, say("monitor.title")),
          liveSign(model, say, signal),
          html("span", { class: "ll-space" }),
          html("div", { class: "ll-tools" }, this.retire, this.reset),
        ),
        this.ask,
        this.answer,
        html("div", { class: "ll-part" }, say("monitor.environments"), this.counts),
        this.environments,
        html(
          "div",
          { class: "ll-part" },
          say("monitor.log"),
          html("span", { class: "ll-space" }),
          html("label", { for: name }, say("monitor.filter"), this.filter),
        ),
        this.log,
      ),
    );
  }

  askReset(open) {
    this.ask.hidden = !open;
    (open ? this.cancel : this.reset).focus();
  }

  schedule() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  draw(toEnd = false) {
    const { model, board, say } = this;
    const busy = model.get("working") || model.get("state") === "ended";
    for (const button of [this.retire, this.reset, this.confirm, this.undo]) button.disabled = busy;
    this.note.textContent = model.get("working") ? say("monitor.working") : model.get("note");
    this.undo.hidden = !model.get("undoable");
    this.answer.hidden = !this.note.textContent && this.undo.hidden;
    this.counts.textContent = say("monitor.counts", {
      count: board.environments.length,
      invocations: board.invocations,
    });
    this.drawEnvironments();
    this.drawFilter();
    this.drawLog(toEnd);
  }

  drawEnvironments() {
    const { say } = this;
    const rows = this.board.environments;
    const shown = JSON.stringify(rows);
    if (shown === this.shown) return;
    this.shown = shown;
    if (!rows.length) {
      this.environments.replaceChildren(html("p", {}, say("monitor.none")));
      return;
    }
    const head = ["id", "function", "state", "pid"].map((key) =>
      html("th", { scope: "col" }, say(`monitor.${key}`)),
    );
    const body = rows.map((row) =>
      html(
        "tr",
        {},
        html("th", { scope: "row", class: "ll-mono" }, shortId(row.id)),
        html("td", {}, `${row.function}:${row.version}`),
        html(
          "td",
          {},
          html("span", { class: `ll-state ll-${row.state}` }, say(`monitor.states.${row.state}`)),
        ),
        html("td", { class: "ll-mono" }, row.pid ? String(row.pid) : say("common.dash")),
      ),
    );
    this.environments.replaceChildren(
      html(
        "table",
        { class: "ll-table" },
        html("thead", {}, html("tr", {}, ...head)),
        html("tbody", {}, ...body),
      ),
    );
  }

  drawFilter() {
    const names = [...new Set(this.board.lines.map((line) => line.function))].sort();
    const wanted = ["", ...names];
    if (JSON.stringify(wanted) === this.filtered) return;
    this.filtered = JSON.stringify(wanted);
    const chosen = this.filter.value;
    this.filter.replaceChildren(
      ...wanted.map((name) =>
        html("option", { value: name }, name || this.say("monitor.all")),
      ),
    );
    this.filter.value = wanted.includes(chosen) ? chosen : "";
  }

  drawLog(toEnd) {
    const { board, say } = this;
    const name = this.filter.value;
    const lines = board.lines.filter((line) => !name || line.function === name);
    const key = `${name} ${lines.length} ${lines.at(-1)?.seq} ${lines[0]?.seq}`;
    if (key === this.logged) return;
    this.logged = key;
    const near =
      this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_PX || toEnd;
    const empty = lines.length ? null : html("p", {}, say("monitor.log_empty"));
    const note = board.dropped ? html("p", {}, say("monitor.log_dropped")) : null;
    this.log.replaceChildren(
      ...[note, empty].filter(Boolean),
      html(
        "ol",
        {},
        ...lines.map((line) =>
          html(
            "li",
            {},
            html("span", {}, clock(line.time)),
            html("span", { title: line.function }, line.function),
            html("span", { title: line.request_id ?? "" }, shortId(line.request_id ?? "")),
            html("span", {}, line.line.replaceAll("\t", "  ")),
          ),
        ),
      ),
    );
    if (near) this.log.scrollTop = this.log.scrollHeight;
  }
}

export default () => {
  const board = new Board();
  let feed = null;
  return {
    initialize({ model }) {
      feed = new Feed(model, (message) => board.apply(message));
    },
    render({ model, el }) {
      const gone = new AbortController();
      new MonitorView(model, el, feed, board, gone.signal);
      return () => gone.abort();
    },
  };
};
