import { createHash } from "node:crypto";
import source from "../../client/client.js" with { type: "text" };
import type { RouteHandler } from "../router.ts";

/** The client for browsers as it is sent; the two forms have tags of their own (RFC 9110, 8.8.3.3). */
interface Forms {
  readonly plain: Form;
  readonly gzipped: Form;
}

interface Form {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
}

/** `GET /client.js`: the client for browsers, an ES module. Made ready at the first request. */
export function browserClientHandler(): RouteHandler {
  let forms: Promise<Forms> | undefined;
  return async ({ request }) => {
    const { plain, gzipped } = await (forms ??= makeForms());
    const { bytes, headers } = acceptsGzip(request) ? gzipped : plain;
    const isKnown = knows(request, headers.ETag ?? "");
    const body = isKnown || request.method === "HEAD" ? null : bytes;
    return new Response(body, { status: isKnown ? 304 : 200, headers });
  };
}

async function makeForms(): Promise<Forms> {
  const bytes = new TextEncoder().encode(source);
  const digest = createHash("sha256").update(bytes).digest("base64url");
  const headers = {
    "Content-Type": "text/javascript; charset=utf-8",
    // Its address stays the same when it changes.
    "Cache-Control": "public, max-age=3600",
    "X-Content-Type-Options": "nosniff",
    Vary: "Accept-Encoding",
  };
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return {
    plain: { bytes, headers: { ...headers, ETag: `"${digest}"` } },
    gzipped: {
      bytes: new Uint8Array(await new Response(stream).arrayBuffer()),
      headers: { ...headers, "Content-Encoding": "gzip", ETag: `"${digest}-gzip"` },
    },
  };
}

function acceptsGzip(request: Request): boolean {
  const codings = request.headers.get("Accept-Encoding")?.toLowerCase().split(",") ?? [];
  return codings.some((coding) => /^\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/.test(coding));
}

/** Whether the client has this form already; a proxy may have made the tag a weak one. */
function knows(request: Request, tag: string): boolean {
  const known = request.headers.get("If-None-Match")?.split(",") ?? [];
  return known.some((each) => ["*", tag].includes(each.trim().replace(/^W\//, "")));
}
