import { Channels } from "../../../src/hub/channels.ts";
import { findPresence, isPresence, joinPresences } from "../../../src/hub/presence.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { liveClient, OPENED_MS } from "../../support/hub/subscribers.ts";

const MANY = Array.from({ length: 40 }, (_, n) => `of many ${n}`);

function channelsOf(...clients: readonly (readonly [user: string, ...names: string[]])[]) {
  const channels = new Channels();
  for (const [user, ...names] of clients) channels.add(liveClient(user, names).subscriber);
  return channels;
}

Deno.test("a user of a channel is found once, with the number of the streams that hear it", () => {
  const channels = channelsOf(["alex", "chat"], ["alex", "chat", "news"], ["sam", "chat"]);
  const find = (name: string) => findPresence(channels, name);
  assertEquals(find("chat"), {
    users: [["alex", 2, OPENED_MS], ["sam", 1, OPENED_MS]],
    anonymousStreams: 0,
  });
  assertEquals(find("news").users, [["alex", 1, OPENED_MS]]);
  assertEquals(find("other"), { users: [], anonymousStreams: 0 });
});

Deno.test("a stream of many channels is on each of them", () => {
  const channels = channelsOf(["alex", ...MANY], ["alex", ...MANY], ["alex", "of many 7"]);
  const { users } = findPresence(channels, "of many 7");
  assertEquals(users.map(([user, streams]) => [user, streams]), [["alex", 3]]);
});

Deno.test("what several found has each user once, since the first stream of all", () => {
  assertEquals(
    joinPresences([
      { users: [["alex", 2, 500], ["sam", 1, 100]], anonymousStreams: 3 },
      { users: [], anonymousStreams: 0 },
      { users: [["alex", 1, 400]], anonymousStreams: 1 },
    ]),
    { users: [["alex", 3, 400], ["sam", 1, 100]], anonymousStreams: 4 },
  );
  assertEquals(joinPresences([]), { users: [], anonymousStreams: 0 });
});

Deno.test("an answer of another version is told from a presence", () => {
  assert(isPresence({ users: [["alex", 1, 2]], anonymousStreams: 0, more: true }));
  for (
    const other of [
      undefined,
      null,
      "users",
      [],
      { users: [] },
      { users: {}, anonymousStreams: 0 },
      { users: ["alex"], anonymousStreams: 0 },
      { users: [["alex", "1", 2]], anonymousStreams: 0 },
    ]
  ) assert(!isPresence(other), JSON.stringify(other));
});
