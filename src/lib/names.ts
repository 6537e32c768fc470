/** The longest name of a user or a channel, and the longest idempotency key, in characters (UTF-16 units). */
export const MAX_NAME_LENGTH = 256;

/** The rule that {@link isName} checks, for messages. */
export const NAME_RULE = `1 to ${MAX_NAME_LENGTH} characters of well-formed Unicode without NUL`;

/**
 * Whether a text can name a user or a channel, or be an idempotency key.
 *
 * SQLite compares texts as UTF-8 up to a NUL: without this rule, two different names could be the
 * same in SQLite, and the events of one channel be replayed to another. The length is bounded because
 * names stay in memory with their events, and no limit counts them.
 */
export function isName(text: string): boolean {
  return text !== "" && text.length <= MAX_NAME_LENGTH && !text.includes("\0") &&
    text.isWellFormed();
}
