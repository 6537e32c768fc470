/**
 * Requests that promise something, with unusual names: a token that was made opens its stream, one that was revoked is
 * refused, streams that were ended have ended, history that was removed is gone. What was refused has changed nothing.
 *
 * @module
 */
import type { SeededRandom } from "../support/seeded_random.ts";
import { encodeFields } from "./bodies.ts";
import { type Answer, Connection } from "./connection.ts";
import type { Field } from "./emit_model.ts";
import { expect } from "./finding.ts";
import type { FuzzedServer } from "./fuzzed_server.ts";
import { HeardStream } from "./heard_stream.ts";
import { anyName, goodName } from "./odd_values.ts";
import { checkAnswer, type Round, type Subject } from "./subject.ts";

const TURNS = 6;

export const promises: Subject = { name: "promises", weight: 2, run };

async function run(round: Round): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await oneUser(round);
}

/** A user who gets a token and a stream, and loses both. */
async function oneUser({ server, random, tally }: Round): Promise<void> {
  const prefix = `p${random.between(0, 2 ** 30).toString(36)}`;
  const user = goodName(random, prefix);
  // A name that ends so is a pattern in a token.
  const channel = goodName(random, `${prefix}.`).replace(/\*$/, "");
  const ask = async (method: string, path: string, fields: readonly Field[]) => {
    const { answer, sent } = await send(server, random, method, path, fields);
    tally.add(answer.status);
    checkAnswer(answer, sent);
    return { ...answer, sent };
  };
  const made = await ask("POST", "/token/", [["userId", user], ["channel", channel], [
    "exp",
    "60",
  ]]);
  expect(made.status === 200, () => `no token: ${made.status} ${made.body}`, made.sent);
  const { token, lastEventId } = JSON.parse(made.body);

  const text = `said to ${random.between(0, 2 ** 30)}`;
  const emitted = await ask("POST", "/emit/", [["userId", user], ["channel", channel], [
    "data",
    text,
  ]]);
  expect(emitted.status === 200, () => `not emitted: ${emitted.body}`, emitted.sent);
  using stream = await HeardStream.open(server.clientOrigin, { token, lastEventId });
  await stream.until(`data: ${text}\nid: ${JSON.parse(emitted.body).id}\n\n`);

  const wrong = await ask(random.pick(["POST", "GET"]), random.pick(["/revoke/", "/disconnect/"]), [
    ["userId", random.pick([`${user}x`, user.slice(0, -1), anyName(random)])],
    ["channel", random.pick([`${channel}x`, "\0", ""])],
    ...(random.chance(0.5) ? [["unknown", "x"] as const] : []),
  ]);
  await stillHears(server, stream, user, channel, wrong.sent);

  const removal = random.chance(0.5)
    ? `/channels/${encodeURIComponent(channel)}/history`
    : `/users/${encodeURIComponent(user)}/history`;
  const removed = await ask("DELETE", removal, []);
  expect(removed.status === 200, () => `not removed: ${removed.body}`, removed.sent);
  expect(JSON.parse(removed.body).removed === 2, () => `removed: ${removed.body}`, removed.sent);
  {
    using again = await HeardStream.open(server.clientOrigin, { token, lastEventId });
    await stillHears(server, again, user, channel, removed.sent);
    expect(
      !again.text.includes(`data: ${text}\n`),
      () => `removed, and replayed: ${again.text}`,
      removed.sent,
    );
  }

  const disconnected = await ask("POST", "/disconnect/", oneOrBoth(user, channel, random));
  expect(disconnected.status === 200, () => `not ended: ${disconnected.body}`, disconnected.sent);
  await stream.untilEnd();

  using open = await HeardStream.open(server.clientOrigin, { token });
  const revoked = await ask("POST", "/revoke/", [
    ["userId", user],
    ...(random.chance(0.5) ? [["channel", channel] as const] : []),
  ]);
  expect(revoked.status === 200, () => `not revoked: ${revoked.body}`, revoked.sent);
  await open.untilEnd();
  const { status, stream: opened } = await HeardStream.ask(server.clientOrigin, { token });
  opened?.[Symbol.dispose]();
  expect(status === 204, () => `a revoked token got ${status}`, revoked.sent);
}

function oneOrBoth(user: string, channel: string, random: SeededRandom): Field[] {
  const both: Field[] = [["userId", user], ["channel", channel]];
  return random.pick([both, both.slice(0, 1), both.slice(1)]);
}

/** Checks that what is emitted comes on a stream. */
async function stillHears(
  server: FuzzedServer,
  stream: HeardStream,
  user: string,
  channel: string,
  sent: Uint8Array,
): Promise<void> {
  const form = new URLSearchParams({ userId: user, channel, data: "still" });
  const { id } = JSON.parse(await server.control("POST", "/emit/", form.toString()));
  try {
    await stream.until(`data: still\nid: ${id}\n\n`);
  } catch (error) {
    expect(false, () => `a stream does not go on: ${error}`, sent);
  }
}

async function send(
  server: FuzzedServer,
  random: SeededRandom,
  method: string,
  path: string,
  fields: readonly Field[],
): Promise<{ readonly answer: Answer; readonly sent: Uint8Array }> {
  const encoding = method === "POST"
    ? random.pick(["urlencoded", "json", "query", "split"] as const)
    : "query";
  const { query, contentType, body } = encodeFields(fields, encoding, random);
  const type = contentType === "" ? "" : `Content-Type: ${contentType}\r\n`;
  const head =
    `${method} ${path}${
      query === "?" ? "" : query
    } HTTP/1.1\r\nHost: localhost\r\n${server.access}` +
    `Accept: application/json\r\n${type}Content-Length: ${body.length}\r\n\r\n`;
  const bytes = Uint8Array.from([...new TextEncoder().encode(head), ...body]);
  using connection = await Connection.open(server.controlOrigin);
  const [answer] = await connection.exchange([{ method, bytes }]);
  expect(answer !== undefined, () => "the connection was closed without an answer", bytes);
  return { answer, sent: bytes };
}
