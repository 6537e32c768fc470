/**
 * The headers that let a page of another origin read an answer (Fetch Standard, CORS protocol).
 *
 * @param origins those allowed; with a list, pages may also send cookies, with `"*"` they may not.
 */
export function corsHeaders(
  request: Request,
  origins: readonly string[] | "*",
): Readonly<Record<string, string>> {
  if (origins === "*") return { "Access-Control-Allow-Origin": "*" };
  if (origins.length === 0) return {};
  const origin = request.headers.get("Origin");
  // Also without a match: a cache must not give one origin's answer to another.
  if (origin === null || !origins.includes(origin)) return { Vary: "Origin" };
  return {
    "Access-Control-Allow-Origin": origin,
    "Access-Control-Allow-Credentials": "true",
    Vary: "Origin",
  };
}

/**
 * The answer to a preflight: what a page may send, where its origin is allowed at all.
 *
 * @param cors the headers that the router adds to this answer as to every other.
 */
export function preflight(cors: Readonly<Record<string, string>>): Response {
  const allowed = "Access-Control-Allow-Origin" in cors;
  return new Response(null, {
    status: 204,
    headers: {
      Allow: "GET, OPTIONS",
      ...(allowed && {
        "Access-Control-Allow-Methods": "GET",
        "Access-Control-Allow-Headers": "Authorization, Cache-Control, Last-Event-ID",
        "Access-Control-Max-Age": "86400",
      }),
    },
  });
}
