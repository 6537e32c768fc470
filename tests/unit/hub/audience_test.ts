import { type Audience, findAudience, joinAudiences } from "../../../src/hub/audience.ts";
import { Channels } from "../../../src/hub/channels.ts";
import { liveClient } from "../../support/hub/subscribers.ts";
import { assert, assertEquals } from "../../support/assert.ts";

function channelsOf(...clients: readonly (readonly [user: string, ...names: string[]])[]) {
  const channels = new Channels();
  for (const [user, ...names] of clients) channels.add(liveClient(user, names).subscriber);
  return channels;
}

const MANY = Array.from({ length: 40 }, (_, n) => `of many ${n}`);

Deno.test("an audience counts the streams of a channel, and those of a user", () => {
  const channels = channelsOf(["alex", "chat"], ["alex", "chat"], ["sam", "chat"]);
  const find = (user: string) => {
    const { matching, onChannel } = findAudience(channels, "chat", user);
    return [matching, onChannel];
  };
  assertEquals([find("alex"), find("sam"), find("*"), find("Alex")], [[2, 3], [1, 3], [3, 3], [
    0,
    3,
  ]]);
});

Deno.test("streams of many channels count as well", () => {
  const channels = channelsOf(["alex", ...MANY], ["alex", ...MANY], ["sam", ...MANY]);
  const { matching, onChannel } = findAudience(channels, "of many 7", "alex");
  assertEquals([matching, onChannel], [2, 3]);
  assertEquals(findAudience(channels, "chat", "sam").otherChannels, MANY.slice(0, 3));
});

Deno.test("an audience of nobody has the channels with a similar name, and the user's others", () => {
  const channels = channelsOf(["alex", "chat"], ["sam", "chat"], ["sam", "news"]);
  assertEquals(findAudience(channels, "chta", "sam"), {
    matching: 0,
    onChannel: 0,
    similarChannels: [{ channel: "chat", streams: 2 }],
    otherChannels: ["chat", "news"],
  });
  assertEquals(findAudience(channels, "chta", "*").otherChannels, []);
});

Deno.test("a search looks at a bounded number of channels and finds a bounded number", () => {
  const far = channelsOf(
    ...Array.from({ length: 1000 }, (_, n) => ["sam", `other ${n}`] as const),
    ["alex", "chat"],
  );
  assertEquals(findAudience(far, "chta", "alex").similarChannels, []);
  assertEquals(findAudience(far, "chta", "alex").otherChannels, []);
  const near = channelsOf(...["a", "b", "c", "d"].map((end) => ["alex", `chat${end}`] as const));
  assertEquals(findAudience(near, "chat", "alex").similarChannels.length, 3);
  assertEquals(findAudience(near, "chat", "alex").otherChannels.length, 3);
});

Deno.test("what several hubs found is summed, and says what one hub with all streams would", () => {
  const clients = [
    ["alex", "chat"],
    ["sam", "chat"],
    ["sam", "news"],
    ["kim", "chats"],
    ["kim", "chats"],
  ] as const;
  const whole = channelsOf(...clients);
  for (let split = 0; split <= clients.length; split++) {
    const parts = [channelsOf(...clients.slice(0, split)), channelsOf(...clients.slice(split))];
    for (
      const [channel, user] of [["chat", "alex"], ["chat", "kim"], ["chta", "sam"], ["char", "*"]]
    ) {
      assert(channel !== undefined && user !== undefined);
      const find = (channels: Channels) => findAudience(channels, channel, user);
      assertEquals(joinAudiences(parts.map(find)), find(whole), `${channel} ${user} ${split}`);
    }
  }
});

Deno.test("an audience crosses from one thread to another", () => {
  const audience: Audience = findAudience(channelsOf(["alex", "chat"]), "chta", "alex");
  assertEquals(structuredClone(audience), audience);
});
