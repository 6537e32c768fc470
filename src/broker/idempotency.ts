import { createHash } from "node:crypto";
import { KeyReused } from "../lib/errors.ts";
import type { Publication } from "./broker.ts";

/** Digest of what is published: another text under the same key is a mistake. */
export function fingerprintOf(publication: Publication): string {
  const hash = createHash("sha256");
  for (const { channel, user, block } of publication.drafts) {
    hash.update(JSON.stringify([channel, user, block]));
  }
  return hash.digest("base64");
}

/** What is told to whoever makes that mistake. */
export function keyReused(): KeyReused {
  return new KeyReused(
    "Idempotency key refused: it was used before with another event. A retry must repeat the event as it was.",
  );
}
