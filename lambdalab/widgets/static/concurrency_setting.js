// Where the sliders stand, as the simulator's loop wants it, and what AWS would say to it.

const NEVER = 1e-9; // as in concurrency_setting.py

const hasOther = (setting) => setting.other_rate > 0 || setting.other_reserved !== null;

/** The same scenario as `Setting.scenario()` in Python. */
function asScenario(setting) {
  const functions = [
    {
      name: setting.name,
      arrivals: {
        kind: setting.arrivals,
        rate: setting.rate,
        size: setting.burst_size,
        every: setting.burst_every,
      },
      duration: {
        kind: setting.duration_kind,
        mean: setting.duration,
        cv: setting.duration_cv,
      },
      init: setting.init,
      idle: setting.idle,
      reserved: setting.reserved,
      provisioned: setting.provisioned,
    },
  ];
  if (hasOther(setting)) {
    functions.push({
      name: setting.other_name,
      arrivals: { kind: "poisson", rate: setting.other_rate || NEVER },
      duration: { kind: "exponential", mean: setting.other_duration },
      init: setting.init,
      idle: setting.idle,
      reserved: setting.other_reserved,
      provisioned: 0,
    });
  }
  const { account, requests, warmup } = setting;
  return { functions, account, requests, warmup };
}

/** Fill the placeholders of a text. */
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

/**
 * What AWS would refuse, by field: its own words, which come from lambdalab.rules, and why.
 * `problems` in concurrency_rules.py asks the rulebook itself; a test compares the two.
 */
function problemsOf(setting, rules) {
  const found = {};
  const others = hasOther(setting) ? (setting.other_reserved ?? 0) : 0;
  const own = setting.reserved ?? 0;
  const { account } = setting;
  const least = rules.unreservedMin;
  const reserve = (field, wanted, taken) => {
    if (wanted > 0 && account - taken - wanted < least) {
      const values = { account, others: taken, minimum: least };
      values.most = Math.max(account - taken - least, 0);
      found[field] = { said: rules.words.reserved, why: "why.reserved", values };
    }
  };
  reserve("reserved", setting.reserved, others);
  reserve("other_reserved", setting.other_reserved, own);
  if (setting.provisioned > 0) {
    const available = account - others - least;
    if (setting.reserved !== null) {
      if (setting.provisioned > setting.reserved) {
        found.provisioned = {
          said: rules.words.provisionedReserved,
          why: "why.provisioned_reserved",
          values: { reserved: setting.reserved, others: 0 },
        };
      }
    } else if (setting.provisioned > available) {
      found.provisioned = {
        said: filled(rules.words.provisionedAccount, { available }),
        why: "why.provisioned_account",
        values: { available: Math.max(available, 0), minimum: least },
      };
    }
  }
  return found;
}
