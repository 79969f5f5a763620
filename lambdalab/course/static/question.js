// A question: what it shows and whether it can be changed is decided in Python.

function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

// The texts are HTML made from Markdown in which raw HTML was escaped.
function fill(node, html) {
  if (node.innerHTML === html) return; // a screen reader would say it again
  node.innerHTML = html;
  for (const link of node.querySelectorAll("a[href]")) {
    link.target = "_blank";
    link.rel = "noopener";
  }
}

function choices(model, name) {
  return model.get("choices").map(({ id, html }) => {
    const text = element("span");
    fill(text, html);
    return element(
      "label",
      { className: "lambdalab-ask-choice" },
      element("input", { type: "radio", name, value: id }),
      text,
    );
  });
}

function field(model) {
  const { min, max, step, unit } = model.get("number");
  const input = element("input", { type: "number", step: "any", autocomplete: "off" });
  if (min !== null) input.min = min;
  if (max !== null) input.max = max;
  if (step !== null) input.step = step;
  return element(
    "label",
    { className: "lambdalab-ask-number" },
    element("span", { textContent: model.get("labels").number }),
    input,
    element("span", { textContent: unit }),
  );
}

export default {
  render({ model, el }) {
    const name = `lambdalab-ask-${Math.random().toString(36).slice(2)}`;
    const isNumber = model.get("number") !== null;
    const kind = element("p", { className: "lambdalab-ask-kind", textContent: model.get("kind") });
    const prompt = element("div", { className: "lambdalab-ask-prompt", id: `${name}-prompt` });
    fill(prompt, model.get("prompt"));
    const answers = element(
      "div",
      { className: "lambdalab-ask-answers" },
      ...(isNumber ? [field(model)] : choices(model, name)),
    );
    answers.setAttribute("role", isNumber ? "group" : "radiogroup");
    answers.setAttribute("aria-labelledby", prompt.id);
    const button = element("button", { type: "submit" });
    const feedback = element("div", { className: "lambdalab-ask-feedback", hidden: true });
    const note = element("div", { className: "lambdalab-ask-note", hidden: true });
    const said = element("div", {}, feedback, note);
    said.setAttribute("role", "status");
    // The browser's own check of a number speaks the browser's language: ours is Python's.
    const form = element(
      "form",
      { className: "lambdalab-ask", lang: model.get("lang"), noValidate: true },
      kind,
      prompt,
      answers,
      button,
      said,
    );
    // JupyterLab would take the arrow keys, Enter and letters for its own.
    for (const one of form.querySelectorAll("input, button, a")) {
      one.setAttribute("data-lm-suppress-shortcuts", "true");
    }
    const inputs = [...form.querySelectorAll("input")];

    function chosen() {
      if (!isNumber) return inputs.find((input) => input.checked)?.value ?? null;
      return Number.isNaN(inputs[0].valueAsNumber) ? null : inputs[0].valueAsNumber;
    }
    let kept = null;
    function update() {
      const value = model.get("value");
      if (value !== null && value !== kept) {
        kept = value;
        if (isNumber) inputs[0].value = value;
        else for (const input of inputs) input.checked = input.value === value;
      }
      const locked = model.get("locked");
      for (const input of inputs) input.disabled = locked;
      button.hidden = locked;
      button.textContent = model.get("button");
      feedback.dataset.tone = model.get("tone");
      for (const [node, name] of [[feedback, "feedback"], [note, "note"]]) {
        fill(node, model.get(name));
        node.hidden = !model.get(name);
      }
    }

    form.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target.tagName !== "INPUT") return;
      event.preventDefault();
      event.stopPropagation();
      form.requestSubmit();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!model.get("locked")) model.send({ answer: chosen() });
    });
    const watched = ["value", "tone", "feedback", "note", "locked", "button"];
    for (const name of watched) model.on(`change:${name}`, update);
    update();
    el.append(form);
    return () => {
      for (const name of watched) model.off(`change:${name}`, update);
    };
  },
};
