// The slider and the field that set how long idle environments are kept.

function idleControl(model, say, signal) {
  if (model.get("idle_lifetime") === null) return null;
  const most = model.get("idle_default");
  const STEPS = 60;
  const toSeconds = (step) => Number((most ** (step / STEPS)).toPrecision(2));
  const toStep = (seconds) =>
    Math.round((Math.log(Math.min(most, Math.max(1, seconds))) / Math.log(most)) * STEPS);
  const name = unique("idle");
  const hint = unique("hint");
  const slider = html("input", {
    id: name,
    type: "range",
    min: 0,
    max: STEPS,
    step: 1,
    "aria-describedby": hint,
  });
  const field = html("input", {
    type: "number",
    min: 0.1,
    step: "any",
    "aria-label": say("timeline.idle.field"),
  });
  const show = (seconds) => {
    slider.value = toStep(seconds);
    slider.setAttribute("aria-valuetext", `${seconds} ${say("timeline.idle.unit")}`);
  };
  let touched = -Infinity;
  let later = 0;
  signal.addEventListener("abort", () => clearTimeout(later));
  const told = () => {
    // While somebody moves it, answers to earlier positions are still on their way.
    const wait = touched + 1000 - performance.now();
    if (wait > 0) {
      clearTimeout(later);
      later = setTimeout(told, wait);
      return;
    }
    field.value = model.get("idle_lifetime");
    show(model.get("idle_lifetime"));
  };
  const touch = () => {
    touched = performance.now();
    told(); // later: if it was refused, the sandbox's own value comes back
  };
  const send = (seconds) => model.send({ do: "idle_lifetime", seconds });
  slider.addEventListener("input", () => {
    const seconds = toSeconds(Number(slider.value));
    touch();
    field.value = seconds;
    slider.setAttribute("aria-valuetext", `${seconds} ${say("timeline.idle.unit")}`);
  });
  field.addEventListener("input", touch);
  slider.addEventListener("change", () => send(toSeconds(Number(slider.value))));
  const commit = () => {
    touch();
    show(Number(field.value));
    send(Number(field.value));
  };
  field.addEventListener("change", commit);
  field.addEventListener("keydown", (event) => event.key === "Enter" && commit());
  listen(model, "change:idle_lifetime", told, signal);
  told();
  const off = () => {
    slider.disabled = field.disabled = model.get("state") === "ended";
  };
  listen(model, "change:state", off, signal);
  off();
  return html(
    "div",
    { class: "ll-idle" },
    html("label", { for: name }, say("timeline.idle.label")),
    slider,
    field,
    html("span", {}, say("timeline.idle.unit")),
    html("p", { id: hint }, say("timeline.idle.assumption", { default: most })),
  );
}
