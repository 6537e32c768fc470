/** What a request asks for. */
export interface Target {
  readonly path: string;
  readonly query: URLSearchParams | undefined;
}

/** Reads a request's target from its URL. Cut by hand: parsing the whole URL takes time, and no other part is needed. */
export function targetOf({ url }: Request): Target {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.indexOf("?", start);
  if (end < 0) return { path: url.slice(start), query: undefined };
  return { path: url.slice(start, end), query: new URLSearchParams(url.slice(end)) };
}

/** The host and port that a request's URL names. */
export function authorityOf({ url }: Request): string {
  const start = url.indexOf("://") + 3;
  return url.slice(start, url.indexOf("/", start));
}
