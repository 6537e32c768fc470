/** Makes elements. All texts go through here as texts, never as HTML: names and payloads come from anybody. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with attributes and children.
 *
 * @param {string} name
 * @param {Record<string, string | number | boolean | undefined>} attributes `true` sets an attribute without a
 *   value; `false` and `undefined` leave it out.
 * @param {...(Node | string)} children
 */
export function element(name, attributes = {}, ...children) {
  return withParts(document.createElement(name), attributes, children);
}

/** The same for an element of a drawing. */
export function drawn(name, attributes = {}, ...children) {
  return withParts(document.createElementNS(SVG, name), attributes, children);
}

function withParts(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** A button of a form, or of its own, that does something when it is pressed. */
export function button(text, onClick, attributes = {}) {
  const made = element("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", onClick);
  return made;
}

/** A field with its label. */
export function field(text, attributes = {}, kind = "input") {
  const { wide, ...rest } = attributes;
  const control = element(kind, { autocomplete: "off", spellcheck: "false", ...rest });
  return element("label", { class: wide && "wide" }, `${text} `, control);
}

/**
 * A form, with a place that says what came of it.
 *
 * @param {Node[]} parts its fields and buttons.
 * @param {(values: Record<string, string>, output: HTMLOutputElement) => Promise<string | undefined>} submit
 *   resolves to a sentence to show; what it throws is shown too.
 */
export function form(parts, submit) {
  const output = element("output");
  const made = element("form", { class: "fields" }, ...parts, output);
  made.addEventListener("submit", async (submission) => {
    submission.preventDefault();
    await sayWhatComes(output, () => submit(Object.fromEntries(new FormData(made)), output));
  });
  return made;
}

/** Does something, and says what came of it, or what went wrong. */
export async function sayWhatComes(output, action) {
  output.className = "quiet";
  output.textContent = "…";
  try {
    output.textContent = await action() ?? "";
  } catch (error) {
    output.className = "bad";
    output.textContent = error.message;
  }
}

/** A list of facts; a fact without a value is left out. */
export function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");
  return element(
    "dl",
    {},
    ...shown.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
  );
}

/** A link to another part of the page. */
export function link(text, ...path) {
  return element("a", { href: `#${path.map(encodeURIComponent).join("/")}`, class: "name" }, text);
}

/** Asks whether to do something, in a dialog; Escape is no. */
export function confirmed(question, explanation, answer) {
  const dialog = document.querySelector("dialog");
  dialog.querySelector("h2").textContent = question;
  dialog.querySelector("p").textContent = explanation;
  dialog.querySelector("[value=yes]").textContent = answer;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
