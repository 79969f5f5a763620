// How phases and signs look: each can be told from the others without colour.

const HEIGHTS = { init: 20, invoke: 26, frozen: 6, shutdown: 16, reset: 0 };
const LEAST_PX = 3; // no bar is drawn narrower

/** The signs of what went wrong: each has a shape of its own. */
const SIGNS = {
  error: () => [
    svg("path", { d: "M0 -7 L7 6 L-7 6 Z" }),
    svg("path", { d: "M0 -2 V2 M0 4.2 V4.3" }),
  ],
  timeout: () => [svg("circle", { r: 7 }), svg("path", { d: "M0 -4 V0 L3 2" })],
  crash: () => [
    svg("rect", { x: -6.5, y: -6.5, width: 13, height: 13, rx: 2 }),
    svg("path", { d: "M-3 -3 L3 3 M3 -3 L-3 3" }),
  ],
  throttle: () => [svg("circle", { r: 7 }), svg("path", { d: "M-4.5 4.5 L4.5 -4.5" })],
};
const sign = (mark, x, y) =>
  svg("g", { class: "ll-sign", transform: `translate(${x} ${y})` }, ...SIGNS[mark]());

/** Patterns that tell phases apart without colour. */
function weaves(name) {
  const weave = (kind, size, ...lines) =>
    svg(
      "pattern",
      {
        id: `${name}-${kind}`,
        class: `ll-weave ll-${kind}`,
        width: size,
        height: size,
        patternUnits: "userSpaceOnUse",
      },
      ...lines,
    );
  return svg(
    "defs",
    {},
    weave("init", 8, svg("path", { d: "M-2 2 L2 -2 M0 8 L8 0 M6 10 L10 6" })),
    weave("shutdown", 6, svg("path", { d: "M0 0 L6 6 M6 0 L0 6" })),
    weave("frozen", 6, svg("circle", { cx: 3, cy: 3, r: 1.1 })),
  );
}

/** The drawing of one bar between two pixels, its middle at `y`. */
function barShapes(kind, left, right, y, weave, scale = 1) {
  const phase = kind === "suppressed" ? "init" : kind;
  const width = Math.max(LEAST_PX, right - left);
  if (phase === "reset") {
    return [svg("path", { class: "ll-body", d: `M${left} ${y} H${left + width}` })];
  }
  const height = (kind === "suppressed" ? 12 : HEIGHTS[phase]) * scale;
  const top = kind === "suppressed" ? y + (HEIGHTS.invoke * scale) / 2 - height : y - height / 2;
  const box = { x: left, y: top, width, height, rx: phase === "frozen" ? 0 : 3 };
  const shapes = [svg("rect", { class: "ll-body", ...box })];
  if (phase !== "invoke") {
    shapes.push(svg("rect", { fill: `url(#${weave}-${phase})`, ...box }));
  }
  return shapes;
}
