/** What a request's `Authorization: Bearer` header carries (RFC 6750, 2.1); `undefined` without one. */
export function bearerOf(request: Request): string | undefined {
  const header = request.headers.get("Authorization")?.trim() ?? "";
  return /^bearer +(.+)$/i.exec(header)?.[1];
}
