// What the simulated requests add up to; lambdalab/sim/tally.py counts the same.

const BINS = 240;
const HISTOGRAM_BASE = ((1023 - 17) << 7) - 1; // bins as in lambdalab/sim/series.py
const HISTOGRAM_BINS = ((21 + 17) << 7) + 1;
const MONTH_S = 30 * 24 * 3600;

/** Durations in logarithmic bins: percentiles to within 1 %. */
class Histogram {
  constructor() {
    this.counts = new Uint32Array(HISTOGRAM_BINS);
    this.sums = new Float64Array(HISTOGRAM_BINS);
    this.total = 0;
    this.value = new Float64Array(1);
    this.bits = new Uint32Array(this.value.buffer);
  }

  add(seconds) {
    this.value[0] = seconds;
    const bin = (this.bits[1] >>> 13) - HISTOGRAM_BASE;
    const place = Math.min(Math.max(bin, 0), HISTOGRAM_BINS - 1);
    this.counts[place] += 1;
    this.sums[place] += seconds;
    this.total += 1;
  }

  percentile(percent) {
    if (!this.total) return null;
    let rank = Math.max(1, Math.ceil((this.total * percent) / 100));
    let place = 0;
    while (rank > this.counts[place]) rank -= this.counts[place++];
    return this.sums[place] / this.counts[place];
  }
}

/** Mean number of open intervals in each bin between two moments (s). */
class Curve {
  constructor(start, end) {
    this.start = start;
    this.end = end;
    this.width = Math.max(end - start, 1e-9) / BINS;
    this.change = new Float64Array(BINS + 1); // by how much the number differs from the bin before
    this.share = new Float64Array(BINS + 1); // what of it holds in its own bin
  }

  add(from, to) {
    if (to <= this.start || from >= this.end) return;
    this.mark(Math.max(from, this.start), 1);
    if (to < this.end) this.mark(to, -1);
  }

  mark(moment, by) {
    const at = (moment - this.start) / this.width;
    const bin = Math.min(Math.floor(at), BINS - 1);
    this.change[bin + 1] += by;
    this.share[bin] += by * (bin + 1 - at);
  }

  means() {
    const means = new Float64Array(BINS);
    let open = 0;
    for (let bin = 0; bin < BINS; bin += 1) {
      open += this.change[bin];
      means[bin] = Math.max(open + this.share[bin], 0);
    }
    return means;
  }
}

function counters(start, end) {
  return {
    requests: 0,
    served: 0,
    cold: 0,
    provisioned: 0,
    throttled: 0,
    causes: { concurrency: 0, scaling: 0, rate: 0 },
    busy: 0,
    idle: 0,
    billed: 0,
    billedProvisioned: 0,
    latency: new Histogram(),
    running: new Curve(start, end),
    ready: new Curve(start, end),
    idling: new Curve(start, end),
  };
}

/**
 * Add up a run.
 *
 * @param scenario, run as of `runRequests`
 * @param stepMs the billing step
 * @returns for each function its numbers and curves; for the first one, what happened in each
 *   bin: cold starts, and the first refused request of each cause
 */
function addUp(scenario, run, stepMs) {
  const { functions, warmup } = scenario;
  const { times, services, outcomes, indices } = run;
  const size = times.length;
  const end = times[size - 1];
  const start = warmup ? times[warmup - 1] : 0;
  const span = Math.max(end - start, 1e-12);
  const clip = (from, to) => Math.max(Math.min(to, end) - Math.max(from, start), 0);
  const all = functions.map(() => counters(start, end));
  const width = all[0].running.width;
  const bins = {
    cold: new Uint32Array(BINS),
    throttled: new Uint32Array(BINS),
    refused: Array.from({ length: BINS }, () => ({})),
    peak: new Float64Array(BINS),
  };
  for (let place = 0; place < size; place += 1) {
    const index = indices[place];
    const now = times[place];
    const outcome = outcomes[place];
    const one = all[index];
    const counted = place >= warmup;
    const bin = Math.min(Math.max(Math.floor((now - start) / width), 0), BINS - 1);
    if (counted) one.requests += 1;
    if (outcome < 0 && outcome !== PROVISIONED) {
      if (counted) {
        const cause = CAUSES[outcome];
        one.throttled += 1;
        one.causes[cause] += 1;
        if (index === 0) {
          bins.throttled[bin] += 1;
          const known = (bins.refused[bin][cause] ??= { place, count: 0 });
          known.count += 1;
        }
      }
      continue;
    }
    const { idle, init } = functions[index];
    let duration = services[place];
    if (outcome === PROVISIONED) {
      one.ready.add(now, now + duration);
      if (counted) {
        one.provisioned += 1;
        one.billedProvisioned += billedSeconds(duration, stepMs);
      }
    } else {
      const cold = outcome >= idle;
      if (cold) duration += init;
      if (outcome < Infinity) {
        const since = now - outcome;
        const until = since + Math.min(outcome, idle);
        one.idling.add(since, until);
        one.idle += clip(since, until);
      }
      one.running.add(now, now + duration);
      if (counted) {
        one.billed += billedSeconds(duration, stepMs);
        if (cold) {
          one.cold += 1;
          if (index === 0) bins.cold[bin] += 1;
        }
      }
    }
    one.busy += clip(now, now + duration);
    if (counted) {
      one.served += 1;
      one.latency.add(duration);
      if (run.groups[index] === run.groups[0] && outcome !== PROVISIONED) {
        bins.peak[bin] = Math.max(bins.peak[bin], run.loads[place]);
      }
    }
  }
  all.forEach((one, index) => {
    const { last, heap } = run.pools[index];
    for (let at = heap.size; at < last.length; at += 1) {
      if (last[at] === -Infinity) continue;
      const until = Math.min(end, last[at] + functions[index].idle);
      one.idling.add(last[at], until);
      one.idle += clip(last[at], until);
    }
  });
  return {
    start,
    end,
    span,
    width,
    bins,
    functions: all.map((one, index) => ({
      ...one,
      running: one.running.means(),
      ready: one.ready.means(),
      idling: one.idling.means(),
      p50: one.latency.percentile(50),
      p99: one.latency.percentile(99),
      peak: run.peaks[index],
      meanConcurrency: one.busy / span,
      meanEnvironments:
        functions[index].provisioned + (one.busy - readyTime(one) + one.idle) / span,
    })),
  };
}

/** Seconds that provisioned environments were busy within the counted time. */
function readyTime(one) {
  return one.ready.means().reduce((sum, mean) => sum + mean, 0) * one.ready.width;
}

/** What a month of 30 days like this would cost for one function, free tier not taken off (USD). */
function monthly(one, span, { memory, architecture, provisioned }, prices) {
  const scale = MONTH_S / span;
  return bill(
    {
      requests: one.served * scale,
      compute: gbSeconds(memory, one.billed) * scale,
      held: gbSeconds(memory, provisioned * span) * scale,
      used: gbSeconds(memory, one.billedProvisioned) * scale,
      architecture,
    },
    prices,
    false,
  );
}
