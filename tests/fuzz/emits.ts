/**
 * Requests to `/emit/`, and what must become of each.
 *
 * @module
 */
import { concatBytes } from "../../src/lib/bytes.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import { encodeFields, ENCODINGS, framed, inJsonOrder, jsonOf } from "./bodies.ts";
import type { Answer, WireRequest } from "./connection.ts";
import { type Field, judgeEmit, type Verdict } from "./emit_model.ts";
import { expect } from "./finding.ts";
import {
  anyDataText,
  anyName,
  anyNumber,
  anyPayloadText,
  anyTypeText,
  anyValue,
} from "./odd_values.ts";

/** A request, and the verdict on each of its emits: one, or one for each line of NDJSON. */
export interface Emit extends WireRequest {
  readonly verdicts: readonly Verdict[];
  readonly isLines: boolean;
}

/** Whom emits are for. */
export interface Audience {
  readonly users: readonly string[];
  readonly channels: readonly string[];
  /** Lines of the head that each request needs. */
  readonly access: string;
  /** Makes idempotency keys those of one round. */
  readonly keyPrefix: string;
}

/** An emit of any kind. */
export function anyEmit(audience: Audience, random: SeededRandom): Emit {
  return random.chance(0.12) ? lines(audience, random) : single(audience, random);
}

function single(audience: Audience, random: SeededRandom): Emit {
  const encoded = encodeFields(anyFields(audience, random), random.pick(ENCODINGS), random);
  const headerKey = random.chance(0.02)
    ? audience.keyPrefix + random.pick(["1", "2", "a b", "x".repeat(300)])
    : undefined;
  const { head, bytes } = framed(encoded.body, random);
  return {
    ...request(encoded.query, encoded.contentType, audience, head, bytes, random, headerKey),
    verdicts: [judgeEmit(encoded.fields, headerKey)],
    isLines: false,
  };
}

function lines(audience: Audience, random: SeededRandom): Emit {
  const all = Array.from({ length: random.between(1, 6) }, () => anyFields(audience, random));
  const end = random.pick(["\n", "\r\n", "\n\n", " \n"]);
  const text = all.map((fields) => jsonOf(fields, random)).join(end) + random.pick(["", "\n"]);
  const { head, bytes } = framed(new TextEncoder().encode(text), random);
  return {
    ...request("", "application/x-ndjson", audience, head, bytes, random),
    verdicts: all.map((fields) => judgeEmit(inJsonOrder(fields))),
    isLines: true,
  };
}

function request(
  query: string,
  contentType: string,
  { access }: Audience,
  head: string,
  body: Uint8Array<ArrayBuffer>,
  random: SeededRandom,
  key?: string,
): WireRequest {
  const accept = random.pick([
    "application/json",
    "application/json",
    "text/plain, application/json;q=0.5",
  ]);
  const text =
    `POST ${random.pick(["/emit/", "/emit"])}${query} HTTP/1.1\r\nHost: localhost\r\n${access}` +
    `Accept: ${accept}\r\n${contentType === "" ? "" : `Content-Type: ${contentType}\r\n`}` +
    `${key === undefined ? "" : `Idempotency-Key: ${key}\r\n`}${head}\r\n`;
  return { method: "POST", bytes: concatBytes([new TextEncoder().encode(text), body]) };
}

/** The fields of an emit that is nearly right. */
export function anyFields(
  { users, channels, keyPrefix }: Audience,
  random: SeededRandom,
): Field[] {
  const fields: Field[] = [
    ["userId", random.chance(0.95) ? random.pick(users) : anyName(random)],
    [
      random.pick(["channel", "channel", "channel[]", "channel[0]"]),
      random.chance(0.95) ? random.pick(channels) : anyName(random),
    ],
  ];
  const kind = random.weighted({ payload: 10, data: 10, both: 0.3, neither: 0.3 });
  if (kind === "payload" || kind === "both") fields.push(["payload", anyPayloadText(random)]);
  if (kind === "data" || kind === "both") {
    fields.push(["data", anyDataText(random)]);
    if (random.chance(0.4)) fields.push(["event", anyTypeText(random)]);
    if (random.chance(0.1)) fields.push(["retry", anyNumber(random)]);
  }
  if (random.chance(0.05)) {
    fields.push([
      "idempotencyKey",
      keyPrefix + random.pick(["1", "2", "3", anyName(random)]),
    ]);
  }
  if (random.chance(0.03)) {
    fields.push([
      random.pick(["evnet", "x", "userId", "channel", "data", "retry", "__proto__"]),
      anyValue(random),
    ]);
  }
  if (random.chance(0.02)) fields.splice(random.between(0, fields.length - 1), 1);
  return random.shuffled(fields);
}

/** The events of one emit that its answer has promised. */
export interface Promised {
  readonly user: string;
  readonly channel: string;
  readonly blocks: readonly string[];
  /** The request that did it. */
  readonly sent: Uint8Array;
}

/** Remembers the idempotency keys of one server. */
export class EmitBook {
  readonly #keys = new Map<string, { readonly content: string; readonly id: string }>();

  /**
   * Holds an answer against the verdicts on its emits.
   *
   * @returns what must be delivered now.
   * @throws Finding if the answer is another than it must be.
   */
  read(emit: Emit, answer: Answer): Promised[] {
    if (!emit.isLines) return this.#readOne(emit, emit.verdicts[0], answer.status, answer.body);
    const shown = () => `${answer.status} ${answer.body}`;
    expect(answer.status === 200, shown, emit.bytes);
    const answers = answer.body.split("\n").filter((line) => line !== "");
    expect(answers.length === emit.verdicts.length, shown, emit.bytes);
    return emit.verdicts.flatMap((verdict, index) => {
      const line = answers[index] ?? "";
      return this.#readOne(emit, verdict, JSON.parse(line).status ?? 200, line);
    });
  }

  #readOne(emit: Emit, verdict: Verdict | undefined, status: number, body: string): Promised[] {
    const shown = () =>
      `${JSON.stringify(verdict)} was answered with ${status} ${body.slice(0, 500)}`;
    if (verdict?.accepted !== true) {
      expect(status === 400 || status === 413, shown, emit.bytes);
      return [];
    }
    const { user, channel, blocks, key } = verdict;
    const content = JSON.stringify([user, channel, blocks]);
    const known = key === undefined ? undefined : this.#keys.get(key);
    if (known !== undefined && known.content !== content) {
      expect(status === 422, shown, emit.bytes);
      return [];
    }
    expect(status === 200, shown, emit.bytes);
    const { id } = JSON.parse(body);
    expect(/^\d{16}-[a-z0-9]{6}$/.test(id), shown, emit.bytes);
    if (known !== undefined) {
      expect(id === known.id, shown, emit.bytes);
      return [];
    }
    if (key !== undefined) this.#keys.set(key, { content, id });
    return [{ user, channel, blocks, sent: emit.bytes }];
  }
}
