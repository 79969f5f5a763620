// What the live views share. It stands before each view's own script in one module.

const SVG = "http://www.w3.org/2000/svg"; // a name, never an address that is opened

/**
 * Keys belong to the element that has the focus, not to the notebook around it. JupyterLab
 * looks for this on the very element, so each that can have the focus must carry it.
 */
const KEYS_OF_ITS_OWN = { "data-lm-suppress-shortcuts": "true" };
const FOCUSABLE = new Set(["button", "input", "select"]);

/** Make an HTML element; `on…` attributes are listeners, `null` ones are left out. */
function html(name, attributes = {}, ...children) {
  return dress(document.createElement(name), attributes, children);
}

/** Make an SVG element. */
function svg(name, attributes = {}, ...children) {
  return dress(document.createElementNS(SVG, name), attributes, children);
}

function dress(node, attributes, children) {
  if (FOCUSABLE.has(node.localName) || "tabindex" in attributes) {
    attributes = { ...attributes, ...KEYS_OF_ITS_OWN };
  }
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** Return a function that gives the model's messages with their placeholders filled. */
function speaker(model) {
  const labels = model.get("labels");
  return (key, values = {}) =>
    (labels[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** A length of time in seconds as a person reads it; text.py says it in the same way. */
function lasting(seconds) {
  if (seconds < 1) {
    const ms = seconds * 1000;
    return `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;
  }
  if (seconds < 60) return `${seconds.toFixed(2)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

const shortId = (id) => id.slice(0, 8);

/** The time of day of an epoch second, to the millisecond. */
function clock(seconds) {
  const moment = new Date(seconds * 1000);
  const two = (number) => String(number).padStart(2, "0");
  const ms = String(moment.getMilliseconds()).padStart(3, "0");
  return `${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}.${ms}`;
}

let instances = 0;
/** Every widget loads a copy of this module of its own: counting alone would repeat an id. */
const run = Math.random().toString(36).slice(2, 10);
/** An id that no other view on the page has. */
const unique = (name) => `lambdalab-${name}-${run}-${++instances}`;

/** Keeps what the kernel told, and asks again for everything when a message was missed. */
class Feed {
  constructor(model, apply) {
    this.model = model;
    this.apply = apply;
    this.watchers = new Set();
    this.take(model.get("snapshot"));
    model.on("msg:custom", (message) => this.heard(message));
    this.want();
  }

  heard(message) {
    if (message.kind === "whole") {
      if (message.n >= this.n) this.take(message);
    } else if (message.kind === "delta") {
      if (message.n === this.n + 1) this.take(message);
      else if (message.n > this.n) this.want();
    } else if (message.kind === "clock") {
      this.reckon(message);
    }
  }

  reckon({ now, pace }) {
    this.told = now;
    this.pace = pace ?? 1;
    this.heardAt = performance.now();
  }

  take(message) {
    this.n = message.n ?? 0;
    this.reckon(message);
    this.apply(message);
    for (const watcher of this.watchers) watcher();
  }

  want() {
    if (this.asked && performance.now() - this.asked < 1000) return;
    this.asked = performance.now();
    this.model.send({ do: "want", have: this.n });
  }

  /** The sandbox's service time now, in epoch seconds; a second of ours is `pace` of it. */
  now() {
    return this.told + ((performance.now() - this.heardAt) / 1000) * this.pace;
  }
}

/** The words and the sign that say whether a view follows the sandbox. */
function liveSign(model, say, signal) {
  const node = html("span", { class: "ll-live", role: "status" });
  const update = () => {
    const state = model.get("state");
    node.dataset.state = state;
    node.textContent = say(`common.${state}`);
  };
  update();
  listen(model, "change:state", update, signal);
  return node;
}

/** Listen to the model until the view is gone. */
function listen(model, name, callback, signal) {
  model.on(name, callback);
  signal.addEventListener("abort", () => model.off(name, callback));
}
