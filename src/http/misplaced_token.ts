import { TOKEN_TEXT } from "../lib/token_text.ts";

/**
 * Where a request without a token in its place has one, and how to send it; `undefined` if it has none.
 * Not in cookies: a site may have tokens of its own there.
 */
export function findMisplacedToken(
  request: Request,
  query: URLSearchParams | undefined,
): string | undefined {
  if (TOKEN_TEXT.test(request.headers.get("Authorization") ?? "")) {
    return "A token was found in the header Authorization without Bearer; " +
      "send it as Authorization: Bearer TOKEN.";
  }
  for (const [name, value] of query ?? []) {
    if (!TOKEN_TEXT.test(value) || !/^\w{1,40}$/.test(name)) continue;
    return `A token was found in ?${name}=; send it as ?token=TOKEN.`;
  }
  return undefined;
}
