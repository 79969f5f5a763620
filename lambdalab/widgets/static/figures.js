// Numbers as charts and people need them.

/** The least pleasant number that is not below. */
function roundUp(value) {
  if (!(value > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  const steps = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];
  return unit * steps.find((step) => step * unit >= value * (1 - 1e-9));
}

/** Pleasant numbers from 0 to `most`, about `count` of them. */
function ticks(most, count) {
  const rough = most / count;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * [1, 2, 5, 10].find((one) => one * unit >= rough);
  const found = [];
  for (let value = 0; value <= most * (1 + 1e-9); value += step) found.push(value);
  return found;
}

/** A number as a person reads it: thousands separated, three digits or so. */
function figure(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  if (Math.abs(value) >= 10 ** (digits - 1)) return Math.round(value).toLocaleString("en-US");
  return Number(value.toPrecision(digits)).toLocaleString("en-US", { maximumFractionDigits: 12 });
}
