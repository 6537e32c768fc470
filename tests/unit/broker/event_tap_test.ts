import type { Broker, BrokerEventHandler } from "../../../src/broker/broker.ts";
import { type ChannelWatcher, EventTap } from "../../../src/broker/event_tap.ts";
import { createEvent } from "../../../src/sse/event.ts";
import { assertEquals } from "../../support/assert.ts";

const HEAD = { seq: 1, epoch: "abcdef" };

/** A tapped feed: what its handler got, what it answers, and the broker's end of it. */
function tapped() {
  const tap = new EventTap();
  let brokerSide: BrokerEventHandler | undefined;
  const broker = {
    head: HEAD,
    follow: (handler: BrokerEventHandler) => brokerSide = handler,
    openReader: (...asked: unknown[]) => asked,
  };
  const got: string[] = [];
  const feed = tap.tapped(broker as unknown as Broker);
  feed.follow({
    removed: (removal) => got.push(`removed ${JSON.stringify(removal)}`),
    deliver: (events) => {
      got.push(...events.map(({ channel }) => channel));
      return events.map((_, n) => n);
    },
    restart: (positions) => got.push(`restart ${positions}`),
  });
  if (brokerSide === undefined) throw new Error("the broker has no handler");
  return { tap, feed, brokerSide, got };
}

function eventOn(channel: string) {
  return createEvent({ channel, user: "alex", block: "data: x" }, 2, HEAD.epoch);
}

/** Keeps what it sees. */
function watcher(): ChannelWatcher & { readonly seen: string[] } {
  const seen: string[] = [];
  return {
    seen,
    see: ({ channel }, epoch) => seen.push(`${channel} ${epoch}`),
    missed: () => seen.push("missed"),
  };
}

Deno.test("a tap passes everything on, and the handler's answer back", () => {
  const { feed, brokerSide, got } = tapped();
  assertEquals(brokerSide.deliver([eventOn("chat"), eventOn("news")]), [0, 1]);
  brokerSide.restart("gone", HEAD);
  brokerSide.removed({ of: { user: "alex" }, through: 1 }, HEAD);
  const removed = 'removed {"of":{"user":"alex"},"through":1}';
  assertEquals(got, ["chat", "news", "restart gone", removed]);
  assertEquals(feed.head, HEAD);
});

Deno.test("a watcher sees its channel's events before the handler, until it no longer watches", () => {
  const { tap, brokerSide } = tapped();
  const [one, other] = [watcher(), watcher()];
  const unwatch = tap.watch("chat", one);
  const unwatchOther = tap.watch("chat", other);
  brokerSide.deliver([eventOn("chat"), eventOn("news")]);
  unwatch();
  unwatch();
  brokerSide.deliver([eventOn("chat")]);
  unwatchOther();
  brokerSide.deliver([eventOn("chat")]);
  assertEquals(one.seen, ["chat abcdef"]);
  assertEquals(other.seen, ["chat abcdef", "chat abcdef"]);
});

Deno.test("one who stops twice does not end what another began meanwhile", () => {
  const { tap, brokerSide } = tapped();
  const unwatch = tap.watch("chat", watcher());
  unwatch();
  const other = watcher();
  tap.watch("chat", other);
  unwatch();
  brokerSide.deliver([eventOn("chat")]);
  assertEquals(other.seen, ["chat abcdef"]);
});

Deno.test("every watcher is told that events may be missing", () => {
  const { tap, brokerSide } = tapped();
  const watchers = ["chat", "news"].map((channel) => {
    const one = watcher();
    tap.watch(channel, one);
    return one;
  });
  brokerSide.restart("kept", HEAD);
  assertEquals(watchers.map(({ seen }) => seen), [["missed"], ["missed"]]);
});
