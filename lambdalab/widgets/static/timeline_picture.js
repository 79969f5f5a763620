// The lanes and bars that lanes.py made of the event log, as the browser keeps them.

const ACTIVE = new Set(["init", "invoke", "shutdown"]);
const isBar = (item) => item.phase !== undefined;
const kindOf = (item) => (item.suppressed ? "suppressed" : item.phase);
const beginning = (item) => (isBar(item) ? item.start : item.time);

/** What the kernel told, as maps that deltas change. */
class Picture {
  constructor() {
    this.lanes = new Map();
    this.items = new Map();
    this.start = this.end = null;
    this.dropped = 0;
  }

  apply(message) {
    if (message.cleared) {
      this.lanes.clear();
      this.items.clear();
    }
    for (const id of message.removed) this.items.delete(id);
    for (const id of message.removed_lanes) this.lanes.delete(id);
    for (const lane of message.lanes) this.lanes.set(lane.id, lane);
    for (const item of message.items) this.items.set(item.id, item);
    this.start = message.start;
    this.end = message.end;
    this.dropped = message.dropped;
  }

  /** Items by time; a bar's own id breaks ties as the log did. */
  sorted() {
    return [...this.items.values()].sort(
      (a, b) => beginning(a) - beginning(b) || Number(a.id) - Number(b.id),
    );
  }
}
