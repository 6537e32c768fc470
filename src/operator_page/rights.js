/** What the key of this tab may do. */
import { element } from "./elements.js";

/** Turns buttons off that the key has no right for, and says which right is missing. */
export function rightsNote({ hello }, right, ...buttons) {
  const note = element("p", { class: "quiet" });
  note.hidden = hello.rights.includes(right);
  if (note.hidden) return note;
  note.textContent = `This key does not have the right ${right}, which this needs.`;
  for (const one of buttons) one.disabled = true;
  return note;
}
