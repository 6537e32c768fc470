/**
 * One request, sent whole, in pieces, in chunks of every size, and cut off: however it comes, it means the same; and cut
 * off it means nothing.
 *
 * @module
 */
import { concatBytes } from "../../src/lib/bytes.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import { chunked, encodeFields, ENCODINGS, jsonOf } from "./bodies.ts";
import { type Answer, Connection, CUT_LINES_MS } from "./connection.ts";
import { type Field } from "./emit_model.ts";
import { anyFields, type Audience } from "./emits.ts";
import { expect } from "./finding.ts";
import { checkAnswer, type Round, type Subject } from "./subject.ts";

const BODIES = 25;

const NOTE = /,"subscribers":\d+|,?"note":"(?:[^"\\]|\\.)*"/g;

export const chunkings: Subject = { name: "chunkings", weight: 2, run };

/** A request without the lines that say how long its body is. */
interface Parts {
  readonly head: string;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly isLines: boolean;
}

async function run({ server, random, tally }: Round): Promise<void> {
  const keyPrefix = `c${random.between(0, 2 ** 30)}`;
  const audience: Audience = {
    users: ["alex", "*"],
    channels: ["chat"],
    access: server.access,
    keyPrefix,
  };
  for (let n = 0; n < BODIES; n++) {
    const parts = anyParts(audience, random);
    const { origin, count } = {
      origin: server.controlOrigin,
      count: async (action: () => Promise<Answer | undefined>, sent: Uint8Array) => {
        const before = await server.published();
        const answer = await action();
        tally.add(answer?.status ?? "closed");
        if (answer !== undefined) checkAnswer(answer, sent);
        return { answer, published: await server.published() - before };
      },
    };
    const whole = withLength(parts);
    const one = await count(() => sendPieces(origin, [whole]), whole);
    const inChunks = concatBytes([
      head(parts, "Transfer-Encoding: chunked"),
      chunked(parts.body, random),
    ]);
    for (const pieces of [cutUp(whole, random), cutUp(inChunks, random), [inChunks]]) {
      const sent = concatBytes(pieces);
      const other = await count(() => sendPieces(origin, pieces), sent);
      const same = JSON.stringify(plain(other)) === JSON.stringify(plain(one));
      expect(same, () => `in pieces ${JSON.stringify(other)}, whole ${JSON.stringify(one)}`, sent);
    }
    const complete = random.pick([whole, inChunks]);
    const cut = complete.subarray(0, random.between(1, complete.length - 1));
    const broken = await count(() => sendCut(origin, cut, parts.isLines), cut);
    const may = parts.isLines ? one.published : 0;
    expect(broken.published <= may, () => `cut off it published ${broken.published}`, cut);
  }
}

function anyParts(audience: Audience, random: SeededRandom): Parts {
  const isLines = random.chance(0.3);
  const fields = () => anyFields(audience, random).filter(([name]) => name !== "idempotencyKey");
  if (isLines) {
    const all = Array.from({ length: random.between(1, 5) }, () => jsonOf(fields(), random));
    const body = new TextEncoder().encode(all.join("\n"));
    return { head: start("", "application/x-ndjson", audience), body, isLines };
  }
  const given: Field[] = fields();
  if (random.chance(0.1)) {
    given.push(["x", "x".repeat(random.pick([10, 65_000, 65_536, 150_000, 200_000]))]);
  }
  const { query, contentType, body } = encodeFields(
    given,
    random.pick(ENCODINGS.filter((encoding) => encoding !== "query")),
    random,
  );
  return { head: start(query, contentType, audience), body, isLines };
}

function start(query: string, contentType: string, { access }: Audience): string {
  return `POST /emit/${query} HTTP/1.1\r\nHost: localhost\r\n${access}Accept: application/json\r\n` +
    `Connection: close\r\nContent-Type: ${contentType}\r\n`;
}

function head(parts: Parts, length: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${parts.head}${length}\r\n\r\n`);
}

function withLength(parts: Parts): Uint8Array<ArrayBuffer> {
  return concatBytes([head(parts, `Content-Length: ${parts.body.length}`), parts.body]);
}

function cutUp(bytes: Uint8Array<ArrayBuffer>, random: SeededRandom): Uint8Array<ArrayBuffer>[] {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const cuts = Array.from({ length: random.between(1, 8) }, () => random.between(1, bytes.length));
  let from = 0;
  for (const to of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    if (to > from) pieces.push(bytes.subarray(from, to));
    from = to;
  }
  return pieces;
}

async function sendPieces(
  origin: string,
  pieces: readonly Uint8Array<ArrayBuffer>[],
): Promise<Answer | undefined> {
  using connection = await Connection.open(origin);
  for (const [index, piece] of pieces.entries()) {
    // Otherwise the system would join them.
    if (index > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await connection.send(piece);
  }
  return await connection.readAnswer("POST");
}

async function sendCut(
  origin: string,
  cut: Uint8Array<ArrayBuffer>,
  isLines: boolean,
): Promise<Answer | undefined> {
  using connection = await Connection.open(origin);
  await connection.send(cut);
  await connection.endSending();
  if (isLines) connection.hangMs = CUT_LINES_MS;
  try {
    return await connection.readAnswer("POST");
  } catch (error) {
    // The answer of many lines breaks off, or does not end.
    if (isLines) return undefined;
    throw error;
  }
}

/** What is the same each time: all but ids, and what is said of the streams, which is looked up for some emits only. */
function plain(
  { answer, published }: { readonly answer: Answer | undefined; readonly published: number },
) {
  return {
    status: answer?.status,
    body: answer?.body.replaceAll(/\d{16}-\w{6}/g, "ID").replaceAll(NOTE, ""),
    published,
  };
}
