/** A longer part is not kept as a text: events of more characters are kept as bytes. */
const LONGEST_KEPT = 256;

/** Up to so many characters may stay in memory for the sake of a part: to copy each part would cost more. */
const SMALL_WHOLE = 1024;

/**
 * The same text in memory of its own. V8 keeps a whole text as long as any part of it that was cut off, so a
 * part that is remembered would keep a large request.
 */
export function ownText(text: string): string {
  // Only to cut it does V8 write the longer text out, and it is that which the part then keeps.
  return ` ${text}`.slice(1);
}

/** The same for a text cut from another, unless that costs more than it can save. */
export function ownPart(part: string, whole: string): string {
  return whole.length <= SMALL_WHOLE || part.length > LONGEST_KEPT ? part : ownText(part);
}
