// What is known of the attempt that is pointed at, and of all of them as a table.

class RetryDetails {
  constructor(say, plan) {
    this.say = say;
    this.plan = plan;
    this.node = html("section", { class: "lr-details", "aria-label": say("details.title"), "aria-live": "polite" });
  }

  length(seconds) {
    return lengthOf(seconds, this.say);
  }

  show(mark, pinned) {
    const { say } = this;
    const facts = mark ? this.facts(mark) : [];
    const head = mark ? this.head(mark) : "";
    const told = JSON.stringify([head, facts, pinned]);
    if (told === this.told) return;
    this.told = told;
    if (!mark) {
      this.node.replaceChildren(html("p", {}, say(this.plan ? "details.none_plan" : "details.none")));
      return;
    }
    this.node.replaceChildren(
      html("div", { class: "lr-details-head" }, head, pinned ? html("span", {}, say("details.pinned")) : ""),
      html(
        "dl",
        {},
        ...facts.map(([key, value, wide]) =>
          html("div", { class: wide ? "lr-wide" : null }, html("dt", {}, say(`details.${key}`)), html("dd", {}, value)),
        ),
      ),
    );
  }

  head(mark) {
    const [one, last] = [mark.attempts[0], mark.attempts.at(-1)];
    const number = one === last ? one.number : `${one.number}–${last.number}`;
    return this.say("details.head", { number, outcome: this.say(`outcome.${mark.status}`) });
  }

  facts({ row, status, attempts }) {
    const { say } = this;
    const [one, last] = [attempts[0], attempts.at(-1)];
    const many = one !== last;
    const range = (from, to) => (from === to ? from : say("details.range", { from, to }));
    const facts = [];
    const after = (time) => say("details.after", { wait: this.length(time) });
    facts.push(["at", range(after(one.at), after(last.at)), many]);
    if (row.accepted) facts.push(["clock", range(clock(row.accepted + one.at), clock(row.accepted + last.at)), many]);
    if (!many && one.end !== null && one.end > one.at) facts.push(["lasted", lasting(one.end - one.at)]);
    const errors = [...new Set(attempts.map(({ error }) => error).filter(Boolean))];
    if (errors.length) facts.push([status === "throttled" ? "reason" : "error", errors.join(say("list")), true]);
    const waits = attempts.map(({ wait }) => wait).filter(Boolean);
    if (waits.length) {
      const cause = say(`cause.${waits[0].cause}`);
      const wait = range(this.length(waits[0].delay), this.length(waits.at(-1).delay));
      facts.push([many ? "waits" : "wait", say("details.wait_why", { wait, cause })]);
    }
    if (one.changed) facts.push(["changed", say("details.yes")]);
    if (!row.request) return facts;
    facts.push(["request", row.request, true]);
    facts.push(["function", `${row.function}:${row.qualifier}`]);
    facts.push(["source", row.source]);
    facts.push(["retries", String(row.maxRetries)]);
    facts.push(["age", this.length(row.maxAge)]);
    if (row.loop) facts.push(["loop", say("details.loop_count", { count: row.loop })]);
    if (row.ended !== null) facts.push(["ended", `${row.condition} · ${after(row.ended)}`, true]);
    for (const { kind, to, error } of row.sent) {
      facts.push(["sent", `${say(`kind.${kind}`)} ${to}${error ? ` · ${error}` : ""}`, true]);
    }
    if (row.count > 1) facts.push(["attempts", say("row.times_long", { count: row.count }), true]);
    return facts;
  }

  /** The rows of the table: one for each attempt. */
  table(rows) {
    const { say, plan } = this;
    const dash = say("dash");
    const columns = ["event", "number", "at", "outcome", "wait", "cause", "end"].slice(plan ? 1 : 0);
    const body = rows.flatMap((row) =>
      (row.attempts.length ? row.attempts : [null]).map((one, index, all) => {
        const cells = {
          event: row.request && `${shortId(row.request)}${row.count > 1 ? ` ${say("row.times", { count: row.count })}` : ""}`,
          number: one ? one.number : dash,
          at: one ? this.length(one.at) : dash,
          outcome: one ? [say(`outcome.${one.status ?? "running"}`), one.error].filter(Boolean).join(" · ") : dash,
          wait: one?.wait ? this.length(one.wait.delay) : dash,
          cause: one?.wait ? say(`cause.${one.wait.cause}`) : dash,
          end: index === all.length - 1 ? row.ends.join(" · ") : dash,
        };
        return html("tr", {}, ...columns.map((key) => html("td", {}, String(cells[key]))));
      }),
    );
    return html(
      "table",
      { class: "ll-table" },
      html("caption", {}, say(plan ? "table.caption_plan" : "table.caption")),
      html("thead", {}, html("tr", {}, ...columns.map((key) => html("th", { scope: "col" }, say(`table.${key}`))))),
      html("tbody", {}, ...body),
    );
  }
}
