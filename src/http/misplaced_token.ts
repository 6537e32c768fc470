/**
 * A JWT: its header is a JSON object, which begins as `eyJ` in Base64. It may stand in a URL, with its dots
 * escaped. It begins where a word does, not at each `eyJ` of a long one: anybody could keep the thread busy
 * for seconds with `eyJeyJeyJ…`.
 */
const TOKEN = /(?:(?<![\w-])|(?<=%[0-9a-f]{2}))eyJ[\w-]*(?:\.|%2E)[\w-]+(?:\.|%2E)[\w-]*/i;

const EVERY_TOKEN = new RegExp(TOKEN, "gi");

/** A text with `TOKEN` in the place of each token. */
export function hideTokens(text: string): string {
  return text.replaceAll(EVERY_TOKEN, "TOKEN");
}

/**
 * Where a request without a token in its place has one, and how to send it; `undefined` if it has none.
 * Not in cookies: a site may have tokens of its own there.
 */
export function findMisplacedToken(
  request: Request,
  query: URLSearchParams | undefined,
): string | undefined {
  if (TOKEN.test(request.headers.get("Authorization") ?? "")) {
    return "A token was found in the header Authorization without Bearer; " +
      "send it as Authorization: Bearer TOKEN.";
  }
  for (const [name, value] of query ?? []) {
    if (!TOKEN.test(value) || !/^\w{1,40}$/.test(name)) continue;
    return `A token was found in ?${name}=; send it as ?token=TOKEN.`;
  }
  return undefined;
}
