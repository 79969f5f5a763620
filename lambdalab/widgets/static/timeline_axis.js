// The time axis: what is drawn to one scale, and what is shortened between.

/** Spans of time in which something other than idling goes on, merged and in order. */
function activeSpans(items, end) {
  const spans = items
    .filter((item) => !isBar(item) || ACTIVE.has(item.phase))
    .map((item) => (isBar(item) ? [item.start, item.end ?? end] : [item.time, item.time]))
    .sort((a, b) => a[0] - b[0]);
  const merged = [];
  for (const [from, to] of spans) {
    const last = merged.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

/**
 * Cut the time axis into pieces drawn to one scale and, between them, long idle times that
 * are shortened. A time is long when it would take the place of what happened: more than a
 * quarter of all active time.
 */
function cut(spans, begin, end, compress) {
  const active = spans.reduce((sum, [from, to]) => sum + to - from, 0);
  const long = Math.max(0.02, active / 4);
  const edge = active * 0.02;
  const pieces = [];
  let from = begin;
  const idle = (start, stop) => {
    if (!compress || stop - start <= long) return;
    const first = Math.min(start + edge, stop);
    const last = Math.max(first, stop - edge);
    if (first > from) pieces.push({ from, to: first, gap: false });
    pieces.push({ from: first, to: last, gap: true });
    from = last;
  };
  let reached = begin;
  for (const [start, stop] of spans) {
    idle(reached, start);
    reached = Math.max(reached, stop);
  }
  idle(reached, end);
  if (end > from || !pieces.length) pieces.push({ from, to: Math.max(end, from), gap: false });
  return pieces;
}

/** Give every piece its pixels; `width` is what there is at this zoom, at the least. */
function layOut(pieces, width, zoom) {
  const gaps = pieces.filter((piece) => piece.gap).length;
  const runs = pieces.length - gaps;
  const room = width * zoom;
  const gapPx = gaps ? Math.min(54, Math.max(12, (0.4 * width) / gaps)) : 0;
  const leastPx = Math.min(28, Math.max(8, (0.35 * width) / runs));
  const rest = Math.max(0, room - gaps * gapPx - runs * leastPx);
  const total = pieces.reduce((sum, piece) => sum + (piece.gap ? 0 : piece.to - piece.from), 0);
  let at = 0;
  for (const piece of pieces) {
    const share = total > 0 ? (piece.to - piece.from) / total : 1 / runs;
    piece.at = at;
    piece.px = piece.gap ? gapPx : leastPx + rest * share;
    at += piece.px;
  }
  return at;
}

function place(pieces, time) {
  let low = 0;
  let high = pieces.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (pieces[middle].from <= time) low = middle;
    else high = middle - 1;
  }
  const piece = pieces[low];
  const long = piece.to - piece.from;
  const part = long > 0 ? Math.min(1, Math.max(0, (time - piece.from) / long)) : 0.5;
  return piece.at + part * piece.px;
}

function timeAt(pieces, px) {
  const piece = pieces.find((one) => px < one.at + one.px) ?? pieces.at(-1);
  const part = Math.min(1, Math.max(0, (px - piece.at) / piece.px));
  return piece.from + part * (piece.to - piece.from);
}

/** A step of 1, 2 or 5 times a power of ten, at least `least` seconds. */
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * 0.999);
}

function tickLabel(seconds, step) {
  if (Math.abs(seconds) < step / 1e6) return "0 s";
  if (seconds < 1 && step < 0.1) {
    return `${(seconds * 1000).toFixed(Math.max(0, Math.ceil(-Math.log10(step * 1000) - 1e-9)))} ms`;
  }
  return `${seconds.toFixed(Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)))} s`;
}
