const LONGEST = 100;

/** A caller's text as a sentence may quote it: shortened, and in quotation marks unless it is a plain word. */
export function shown(text: string): string {
  const short = text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
  return /^[\w.:/@+*-]+$/.test(short) ? short : JSON.stringify(short);
}

/** A text with every character that an HTTP header cannot carry written as an escape of JSON. */
export function headerText(text: string): string {
  return text.replace(
    /[^\x20-\x7e]/g,
    (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}
