import type { SeededRandom } from "../support/seeded_random.ts";
import type { Answer } from "./connection.ts";
import { expect } from "./finding.ts";
import type { FuzzedServer } from "./fuzzed_server.ts";

/** What one round of a subject works with. */
export interface Round {
  /** Nobody else uses it meanwhile. */
  readonly server: FuzzedServer;
  readonly random: SeededRandom;
  readonly tally: Tally;
}

/** One thing to try: sends requests, and throws a Finding if an answer is not what it must be. */
export interface Subject {
  readonly name: string;
  /** How often it is chosen, compared with the others. */
  readonly weight: number;
  readonly run: (round: Round) => Promise<void>;
}

/** Counts what was sent, and what it was answered with. */
export class Tally {
  readonly requests = new Map<string, number>();
  readonly statuses = new Map<string, number>();
  #total = 0;
  #subject = "";

  /** Whose requests are counted from now on. */
  for(subject: string): Tally {
    const tally = new Tally();
    tally.#subject = subject;
    return tally;
  }

  get total(): number {
    return this.#total;
  }

  /** Counts requests, and how they were answered: by a status, or `closed` for no answer. */
  add(outcome: number | "closed" | "bytes", count = 1): void {
    increase(this.statuses, String(outcome), count);
    increase(this.requests, this.#subject, count);
    this.#total += count;
  }

  /** Adds what another has counted. */
  addAll(other: Tally): void {
    for (const [name, count] of other.statuses) increase(this.statuses, name, count);
    for (const [name, count] of other.requests) increase(this.requests, name, count);
    this.#total += other.total;
  }
}

function increase(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

/** Every header that the server or its runtime answers with: another one was smuggled in. */
const ANSWER_HEADERS = new Set([
  ...[
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
  ],
  ...["access-control-max-age", "allow", "cache-control", "connection", "content-encoding"],
  ...["content-length", "content-security-policy", "content-type", "cross-origin-opener-policy"],
  ...["cross-origin-resource-policy", "date", "etag", "referrer-policy", "retry-after", "sse-note"],
  ...[
    "transfer-encoding",
    "vary",
    "www-authenticate",
    "x-accel-buffering",
    "x-content-type-options",
  ],
  ...["x-frame-options", "permissions-policy"],
]);

/** Checks what holds for every answer, whatever was asked. @throws Finding */
export function checkAnswer({ status, headers, body }: Answer, sent: Uint8Array): void {
  const shown = () =>
    `${status} ${JSON.stringify([...headers])} ${JSON.stringify(body.slice(0, 500))}`;
  // 503 is for what may succeed a moment later, and says so.
  const isAllowed = status < 500 || status === 503 && headers.has("retry-after");
  expect(isAllowed, () => `the answer ${shown()}`, sent);
  for (const name of headers.keys()) {
    expect(ANSWER_HEADERS.has(name), () => `the header ${name} in ${shown()}`, sent);
  }
  if (status === 401) expect(headers.has("www-authenticate"), shown, sent);
  if (status === 405) expect(headers.has("allow"), shown, sent);
  if (headers.get("content-type") === "application/json" && body !== "") {
    expect(isJson(body), () => `no JSON: ${shown()}`, sent);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
