// The simulator's loop once more, for the browser: lambdalab/sim/pools.py says how it works.
//
// It is fed with the same draws as Python's, so that every request fares the same in both;
// tests/browser/test_concurrency.py compares them one by one.

const THROTTLED = -1;
const SCALING_LIMITED = -2;
const RATE_LIMITED = -3;
const PROVISIONED = -4;
const CAUSES = { [THROTTLED]: "concurrency", [SCALING_LIMITED]: "scaling", [RATE_LIMITED]: "rate" };

const BLOCK = 1 << 16; // numbers are added up within a block of so many, as in variates.py
const BURST_BLOCK = 1024;

/** A binary heap of numbers, the least on top, in one array that grows. */
class Heap {
  constructor() {
    this.values = new Float64Array(64);
    this.size = 0;
  }

  get least() {
    return this.size ? this.values[0] : Infinity;
  }

  push(value) {
    if (this.size === this.values.length) {
      const wider = new Float64Array(2 * this.size);
      wider.set(this.values);
      this.values = wider;
    }
    const { values } = this;
    let place = this.size++;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (values[parent] <= value) break;
      values[place] = values[parent];
      place = parent;
    }
    values[place] = value;
  }

  pop() {
    const { values } = this;
    const least = values[0];
    const size = --this.size;
    const value = values[size];
    let place = 0;
    let child = 1;
    while (child < size) {
      if (child + 1 < size && values[child + 1] < values[child]) child += 1;
      if (values[child] >= value) break;
      values[place] = values[child];
      place = child;
      child = 2 * place + 1;
    }
    values[place] = value;
    return least;
  }
}

/** When the first `count` requests of a function arrive (s). */
function arrivalTimes(arrivals, units, count) {
  const times = new Float64Array(count);
  const { kind, rate } = arrivals;
  if (kind === "constant") {
    for (let place = 0; place < count; place += 1) times[place] = (place + 1) / rate;
    return times;
  }
  if (kind === "poisson") {
    for (let start = 0, now = 0; start < count; start += BLOCK) {
      const end = Math.min(start + BLOCK, count);
      let sum = 0;
      for (let place = start; place < end; place += 1) {
        sum += units[place];
        times[place] = (now + sum) / rate;
      }
      now += sum;
    }
    return times;
  }
  // Bursts over a Poisson background: both ascend, so they are merged.
  let used = 0;
  let base = 0;
  let sum = 0;
  const background = () => {
    if (!(rate > 0) || used >= units.length) return Infinity;
    if (used % BURST_BLOCK === 0) {
      base += sum / rate;
      sum = 0;
    }
    sum += units[used++];
    return base + sum / rate;
  };
  let next = background();
  for (let place = 0, burst = 1; place < count; burst += 1) {
    const moment = burst * arrivals.every;
    for (; next <= moment && place < count; next = background()) times[place++] = next;
    for (let one = 0; one < arrivals.size && place < count; one += 1) times[place++] = moment;
  }
  return times;
}

/** How long the handler takes for each of `count` requests (s). */
function serviceTimes(duration, draws, count) {
  const times = new Float64Array(count);
  const { kind, mean } = duration;
  if (kind === "constant") return times.fill(mean);
  if (kind === "exponential") {
    for (let place = 0; place < count; place += 1) times[place] = draws[place] * mean;
    return times;
  }
  const variance = Math.log(1 + duration.cv ** 2);
  const [middle, width] = [Math.log(mean) - variance / 2, Math.sqrt(variance)];
  for (let place = 0; place < count; place += 1) {
    times[place] = Math.exp(middle + width * draws[place]);
  }
  return times;
}

/** Which draws a function's durations are made of; `null`: none. */
const durationDraws = (kind) =>
  ({ exponential: "exponential", lognormal: "normal" })[kind] ?? null;

/** Pools and their caps, as lambdalab/sim/topology.py lays them out. */
function layout(functions, account, rules) {
  let shared = account;
  const caps = [0];
  const reserved = functions.reduce((sum, one) => sum + (one.reserved ?? 0), 0);
  const quotas = [rules.ratePerConcurrency * (account - reserved)];
  const groups = functions.map((one) => {
    if (one.reserved === null) {
      shared -= one.provisioned;
      return 0;
    }
    shared -= one.reserved;
    quotas.push(rules.ratePerConcurrency * one.reserved);
    return caps.push(one.reserved - one.provisioned) - 1;
  });
  caps[0] = shared;
  return { caps, quotas, groups };
}

/**
 * Run requests through the pools.
 *
 * @param scenario `functions` (each with `arrivals`, `duration`, `init` s, `idle` s, `reserved`
 *   or null, `provisioned`), `account`, `requests`, `warmup`
 * @param draws `(function index, "arrivals" | "exponential" | "normal")` to unit draws
 * @param rules numbers of the rulebook: `scalingBurst`, `scalingWindow`, `ratePerConcurrency`
 * @param look the request at which `seen` is taken down
 * @returns arrays with a place for each request (`outcomes` as in lambdalab/sim/outcomes.py,
 *   `loads`: on-demand concurrency of its group afterwards), and the pools as they are left
 */
function runRequests(scenario, draws, rules, look = -1) {
  const { functions, requests } = scenario;
  const { caps, quotas, groups } = layout(functions, scenario.account, rules);
  const arrivals = functions.map((one, index) =>
    arrivalTimes(one.arrivals, draws(index, "arrivals"), requests),
  );
  const durations = functions.map((one, index) => {
    const kind = durationDraws(one.duration.kind);
    return serviceTimes(one.duration, kind && draws(index, kind), requests);
  });
  const pools = functions.map(() => ({
    heap: new Heap(),
    ready: new Heap(),
    last: [],
    left: rules.scalingBurst,
    looked: 0,
  }));
  const loads = caps.map(() => 0);
  const seconds = caps.map(() => -1);
  const counts = caps.map(() => 0);
  const peaks = functions.map(() => 0);
  const run = {
    caps,
    groups,
    pools,
    peaks,
    times: new Float64Array(requests),
    services: new Float64Array(requests),
    outcomes: new Float64Array(requests),
    loads: new Float64Array(requests),
    indices: new Uint8Array(requests),
    seen: null,
  };

  /** Let go what is due. Python looks later, which changes nothing it writes down. */
  const settle = (now) => {
    for (let index = 0; index < pools.length; index += 1) {
      const { heap, ready, last } = pools[index];
      while (heap.size && heap.values[0] <= now) {
        const time = heap.pop();
        last[heap.size] = time;
        loads[groups[index]] -= 1;
      }
      while (ready.size && ready.values[0] <= now) ready.pop();
    }
  };

  const decide = (index, now, service) => {
    const group = groups[index];
    const pool = pools[index];
    if (quotas[group] > 0) {
      const second = Math.trunc(now);
      if (second !== seconds[group]) {
        seconds[group] = second;
        counts[group] = 0;
      }
      counts[group] += 1;
      if (counts[group] > quotas[group]) return RATE_LIMITED;
    }
    const { ready, heap, last } = pool;
    const { provisioned, idle, init } = functions[index];
    if (ready.size < provisioned) {
      ready.push(now + service);
      return PROVISIONED;
    }
    if (loads[group] >= caps[group]) return THROTTLED;
    const size = heap.size;
    if (size === last.length) last.push(-Infinity);
    const gap = now - last[size];
    let end = now + service;
    if (gap >= idle) {
      const allowance = Math.min(
        rules.scalingBurst,
        pool.left + ((now - pool.looked) * rules.scalingBurst) / rules.scalingWindow,
      );
      pool.looked = now;
      pool.left = allowance;
      if (allowance < 1) return SCALING_LIMITED;
      pool.left = allowance - 1;
      end += init;
    }
    heap.push(end);
    loads[group] += 1;
    return gap;
  };

  const taken = functions.map(() => 0);
  for (let place = 0; place < requests; place += 1) {
    // At the same moment the first function's request comes first, as in a stable sort.
    let index = 0;
    for (let other = 1; other < functions.length; other += 1) {
      if (arrivals[other][taken[other]] < arrivals[index][taken[index]]) index = other;
    }
    const now = arrivals[index][taken[index]];
    const service = durations[index][taken[index]];
    taken[index] += 1;
    settle(now);
    const group = groups[index];
    if (place === look) {
      run.seen = {
        time: now,
        index,
        shared: functions.some((one, other) => other !== index && groups[other] === group),
        cap: caps[group],
        quota: quotas[group],
        inFlight: pools.map(({ heap, ready }) => heap.size + ready.size),
        onDemand: pools.map(({ heap }) => heap.size),
        load: loads[group],
        ready: pools[index].ready.size,
        alive: pools[index].last.filter((time, at) => {
          return at < pools[index].heap.size || now - time < functions[index].idle;
        }).length,
      };
    }
    const outcome = decide(index, now, service);
    if (place === look) Object.assign(run.seen, { outcome, second: counts[group] });
    run.times[place] = now;
    run.indices[place] = index;
    run.services[place] = service;
    run.outcomes[place] = outcome;
    run.loads[place] = loads[group];
    if (place >= scenario.warmup) {
      const busy = pools[index].heap.size + pools[index].ready.size;
      if (busy > peaks[index]) peaks[index] = busy;
    }
  }
  return run;
}
