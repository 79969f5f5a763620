// The steps that the kernel told, and how lanes, batches and records stand after any of them.

const FINAL_PLACES = ["done", "redriven", "discarded", "filtered"];

class PollerSteps {
  constructor() {
    this.lanes = new Map();
    this.steps = [];
    this.dropped = 0;
  }

  apply({ cleared = false, lanes = [], steps = [], dropped = 0 }) {
    if (cleared) {
      this.lanes.clear();
      this.steps = [];
      this.cleared = true;
    }
    for (const lane of lanes) this.lanes.set(lane.id, lane);
    this.steps.push(...steps);
    this.dropped = dropped;
  }

  /** Everything after so many steps, made from the first on: a few thousand take no time. */
  after(count) {
    const lanes = new Map(
      [...this.lanes.values()].map((lane) => [
        lane.id,
        { ...lane, records: new Map(), batches: new Map(), counters: {}, state: "", later: 0, touched: new Set() },
      ]),
    );
    this.steps.slice(0, count).forEach((step, index) => {
      for (const lane of lanes.values()) {
        if (step.state && lane.mapping === step.mapping) lane.state = step.state;
      }
      const lane = lanes.get(step.lane);
      if (!lane) return;
      for (const [id, batch] of lane.batches) if (batch.gone) lane.batches.delete(id);
      lane.counters = step.counters.seen === undefined ? lane.counters : step.counters;
      lane.touched = new Set();
      for (const [id, number, place, batch, received, processed] of step.records) {
        lane.records.set(id, { id, number, place, batch, received, processed, lane: lane.id });
        lane.touched.add(id);
      }
      for (const batch of step.batches) lane.batches.set(batch.id, batch);
      lane.last = index;
    });
    for (const lane of lanes.values()) {
      if (lane.last !== count - 1) {
        lane.touched = new Set();
        for (const [id, batch] of lane.batches) if (batch.gone) lane.batches.delete(id);
      }
    }
    const seen = new Map();
    for (const { lane, counters } of this.steps) if (lane && counters.seen !== undefined) seen.set(lane, counters.seen);
    for (const lane of lanes.values()) lane.later = (seen.get(lane.id) ?? 0) - (lane.counters.seen ?? 0);
    return [...lanes.values()];
  }

  /** The steps that a record had a part in, as [index, step]. */
  of(lane, id) {
    return this.steps
      .map((step, index) => [index, step])
      .filter(([, step]) => step.lane === lane && step.records.some(([one]) => one === id));
  }
}
