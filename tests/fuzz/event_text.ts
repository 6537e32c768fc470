/**
 * What is emitted, in every encoding, must come out of the streams byte for byte, and mean to a parser what it means
 * to the parser by itself; what is refused must not come at all; and a client that comes back gets the same.
 *
 * @module
 */
import { Connection } from "./connection.ts";
import { wireOf } from "./emit_model.ts";
import { anyEmit, type Audience, type Emit, EmitBook, type Promised } from "./emits.ts";
import { expect } from "./finding.ts";
import { HeardStream } from "./heard_stream.ts";
import { goodName } from "./odd_values.ts";
import { dispatched } from "./reference_parser.ts";
import { checkAnswer, type Round, type Subject } from "./subject.ts";

const REQUESTS = 250;

/** A client of the round, and what its stream must bring. */
interface Client {
  readonly user: string;
  readonly channels: readonly string[];
  readonly stream: HeardStream;
}

export const eventText: Subject = { name: "events", weight: 10, run };

async function run({ server, random, tally }: Round): Promise<void> {
  const prefix = `f${random.between(0, 2 ** 30).toString(36)}`;
  const channels = [goodName(random, prefix), goodName(random, `${prefix}.`)];
  const users = [goodName(random, `u${prefix}`), goodName(random, `v${prefix}`)];
  // A token reads a name that ends so as a pattern.
  const heard = channels.map((name) => name.replace(/\*$/, ""));
  const audience: Audience = {
    users: [...users, "*"],
    channels: heard,
    access: server.access,
    keyPrefix: prefix,
  };
  const open = async (user: string, channels: readonly string[]): Promise<Client> => {
    const stream = await HeardStream.open(server.clientOrigin, {
      token: server.token(user, channels),
    });
    return { user, channels, stream };
  };
  const clients = await Promise.all([
    open(users[0] ?? "", heard),
    open(users[1] ?? "", heard.slice(0, 1)),
  ]);
  try {
    const mark = async (name: string) => {
      const form = new URLSearchParams({ userId: "*", channel: heard[0] ?? "", data: name });
      const { id } = JSON.parse(await server.control("POST", "/emit/", form.toString()));
      return { id: String(id), text: `data: ${name}\nid: ${id}\n\n` };
    };
    const before = await mark("before");
    const first = await mark("first");
    for (const { stream } of clients) stream.dropBefore(await stream.until(first.text));
    const emits = Array.from({ length: REQUESTS }, () => anyEmit(audience, random));
    const promised = await exchange(emits, server.controlOrigin, tally);
    const last = await mark("last");
    for (const { stream } of clients) await stream.until(last.text);
    for (const client of clients) {
      checkStream(client, client.stream.text, promised, last.text);
    }
    for (const { user, channels } of clients) {
      const token = server.token(user, channels);
      using again = await HeardStream.open(server.clientOrigin, { token, lastEventId: before.id });
      again.dropBefore(await again.until(first.text));
      await again.until(last.text);
      checkStream({ user, channels, stream: again }, again.text, promised, last.text, true);
    }
  } finally {
    for (const { stream } of clients) stream[Symbol.dispose]();
  }
}

/** Sends emits, and returns what their answers have promised. */
export async function exchange(
  emits: readonly Emit[],
  origin: string,
  tally: Round["tally"],
): Promise<Promised[]> {
  const promised: Promised[] = [];
  const book = new EmitBook();
  let left = emits;
  while (left.length > 0) {
    using connection = await Connection.open(origin);
    const answers = await connection.exchange(left);
    expect(answers.length > 0, () => "a connection was closed without an answer", left[0]?.bytes);
    for (const [index, answer] of answers.entries()) {
      const emit = left[index] as Emit;
      tally.add(answer.status);
      checkAnswer(answer, emit.bytes);
      promised.push(...book.read(emit, answer));
    }
    left = left.slice(answers.length);
  }
  return promised;
}

/** @throws Finding with the request whose event is the first that is not there as it must be. */
function checkStream(
  { user, channels }: Client,
  text: string,
  promised: readonly Promised[],
  end: string,
  isReplay = false,
): void {
  const due = promised.filter((one) =>
    channels.includes(one.channel) && (one.user === "*" || one.user === user)
  );
  const came = text.replaceAll(/id: \d{16}-[a-z0-9]{6}\n/g, "id: ID\n");
  const shown = (place: number, wire: string) =>
    `${isReplay ? "a replay" : "a stream"} of ${JSON.stringify({ user, channels })} ` +
    `brought ${JSON.stringify(came.slice(place, place + wire.length + 100))}, not ${
      JSON.stringify(wire)
    }`;
  let place = 0;
  for (const { blocks, sent } of due) {
    const wire = blocks.map(wireOf).join("");
    expect(came.startsWith(wire, place), () => shown(place, wire), sent);
    place += wire.length;
  }
  const last = end.replace(/id: .*/, "id: ID");
  expect(came.slice(place) === last, () => shown(place, last), due.at(-1)?.sent);
  const alone = due.flatMap(({ blocks, sent }) =>
    blocks.flatMap((block) =>
      dispatched(`:\n${block.toWellFormed()}\n\n`).map((event) => ({ ...event, sent }))
    )
  );
  const events = dispatched(`:\n${text}`).slice(0, -1);
  expect(
    events.length === alone.length,
    () => `${events.length} events, not ${alone.length}: ${text}`,
  );
  for (const [index, { type, data, sent }] of alone.entries()) {
    const event = events[index];
    const isSame = event?.type === type && event.data === data;
    expect(isSame, () => `${JSON.stringify(event)}, not ${JSON.stringify({ type, data })}`, sent);
  }
}
