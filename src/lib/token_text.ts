/**
 * A JWT: its header is a JSON object, which begins as `eyJ` in Base64. It may stand in a URL, with its dots
 * escaped. It begins where a word does, not at each `eyJ` of a long one: anybody could keep the thread busy
 * for seconds with `eyJeyJeyJ…`.
 */
export const TOKEN_TEXT =
  /(?:(?<![\w-])|(?<=%[0-9a-f]{2}))eyJ[\w-]*(?:\.|%2E)[\w-]+(?:\.|%2E)[\w-]*/i;

const EVERY_TOKEN = new RegExp(TOKEN_TEXT, "gi");

/** A text with `TOKEN` in the place of each token. */
export function hideTokens(text: string): string {
  return text.replaceAll(EVERY_TOKEN, "TOKEN");
}
