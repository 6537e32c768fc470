import { createHash } from "node:crypto";
import { KeyReused } from "../lib/errors.ts";
import type { Publication } from "./broker.ts";

/** A digest of a publication's events, to tell a retry from other events under the same key. */
export function fingerprintOf(publication: Publication): string {
  const hash = createHash("sha256");
  for (const { channel, user, block } of publication.drafts) {
    hash.update(JSON.stringify([channel, user, block]));
  }
  return hash.digest("base64");
}

/** The error for a key that comes again with other events. */
export function keyReused(): KeyReused {
  return new KeyReused(
    "Idempotency key refused: it was used before with another event. A retry must repeat the same event.",
  );
}
