// lambdalab/rules/pricing.py once more, for the browser. Every number comes from there.

const MB_PER_GB = 1024;

const gbSeconds = (memory, seconds) => (memory / MB_PER_GB) * seconds;

/** What is billed of a duration (s), in seconds: rounded up to the billing step. */
function billedSeconds(seconds, stepMs) {
  const step = stepMs / 1000;
  return Math.max(Math.ceil(seconds / step - 0.0005 / 1000 / step), 1) * step;
}

/** US dollars by what they are for. `usage` is as `Usage` in pricing.py. */
function bill(usage, prices, freeTier) {
  const requests = Math.max(usage.requests - (freeTier ? prices.freeRequests : 0), 0);
  let left = Math.max(usage.compute - (freeTier ? prices.freeCompute : 0), 0);
  const architecture = prices.architectures[usage.architecture];
  let compute = 0;
  let below = 0;
  for (const { upTo, usd } of architecture.tiers) {
    const part = Math.min(left, (upTo ?? Infinity) - below);
    compute += part * usd;
    left -= part;
    below = upTo;
  }
  const parts = {
    requests: (requests / 1e6) * prices.requests,
    compute,
    provisioned:
      (usage.held ?? 0) * architecture.held + (usage.used ?? 0) * architecture.used,
  };
  return { ...parts, total: parts.requests + parts.compute + parts.provisioned };
}

/** An amount of US dollars: to the cent, or to three digits if it is less than one. */
function dollars(usd) {
  const cents = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  const digits = usd > 0 && usd < 0.995 ? { maximumSignificantDigits: 3 } : cents;
  return `$${usd.toLocaleString("en-US", digits)}`;
}
