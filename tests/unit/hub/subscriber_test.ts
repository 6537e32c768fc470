import { Subscriber, type SubscriberSource } from "../../../src/hub/subscriber.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { waitFor } from "../../support/wait.ts";

const MAX_BUFFER = 1000;

/** Counts a subscriber's calls; the test itself supplies the events. */
class CountingSource implements SubscriberSource {
  asked = 0;
  gone = 0;
  behind = 0;
  fellBehind(): void {
    this.behind++;
  }
  caughtUp(): void {
    this.behind--;
  }
  catchUp(): void {
    this.asked++;
  }
  left(): void {
    this.gone++;
  }
}

function subscribe(
  options: { readonly resumedFrom?: string; readonly channels?: readonly string[] } = {},
) {
  const source = new CountingSource();
  const subscriber = new Subscriber(
    { user: "alex", channels: options.channels ?? ["chat"], expiresAt: undefined },
    { head: 5, lastEventId: options.resumedFrom },
    {
      isEventSource: true,
      greeting: text("hello;"),
      maxBufferBytes: MAX_BUFFER,
      source,
      nowMs: 0,
      wallMs: 0,
      id: "s-1",
    },
  );
  return { subscriber, source };
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

/** Reads a whole stream that has been ended. */
function everything(subscriber: Subscriber): Promise<string> {
  return new Response(subscriber.body as ReadableStream<Uint8Array<ArrayBuffer>>).text();
}

async function take(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  return new TextDecoder().decode((await reader.read()).value);
}

Deno.test("a client gets the greeting, then the pushed events in order, then the last bytes", async () => {
  const { subscriber } = subscribe();
  subscriber.deliver(text("1;"), 6, 6);
  subscriber.deliver(text("2;"), 7, 7);
  assertEquals(subscriber.position, 7);
  subscriber.end(text("bye"));
  assertEquals(await everything(subscriber), "hello;1;2;bye");
});

Deno.test("a fresh client is live, a client that resumes catches up first", async () => {
  const fresh = subscribe();
  assertEquals([fresh.subscriber.isLive, fresh.subscriber.position], [true, 5]);
  const resumed = subscribe({ resumedFrom: "x" });
  assertEquals(resumed.subscriber.isLive, false);
  await waitFor("the stream to ask for more", () => resumed.source.asked > 0);
  resumed.subscriber.replay(text("old;"), 6, 6);
  resumed.subscriber.goLive();
  assertEquals([resumed.subscriber.isLive, resumed.subscriber.position], [true, 6]);
  for (const { subscriber } of [fresh, resumed]) subscriber.end(text(""));
  assertEquals(await everything(resumed.subscriber), "hello;old;");
  assertEquals(fresh.source.asked, 0);
});

Deno.test("a client that accepts too little falls behind instead of filling memory", () => {
  const { subscriber } = subscribe();
  const event = text("x".repeat(100));
  for (let seq = 6; seq < 50 && subscriber.isLive; seq++) subscriber.deliver(event, seq, seq);
  assert(subscriber.unsentBytes <= MAX_BUFFER, `${subscriber.unsentBytes} bytes wait`);
  assertEquals(subscriber.position, 5 + Math.floor((MAX_BUFFER - "hello;".length) / 100));
  assertEquals(subscriber.hasPending, false);
});

Deno.test("a client that fell behind catches up as soon as it accepts bytes, and goes live again", async () => {
  const { subscriber, source } = subscribe();
  subscriber.deliver(text("x".repeat(MAX_BUFFER)), 6, 6);
  assertEquals([subscriber.isLive, subscriber.position], [false, 5]);
  const reader = subscriber.body.getReader();
  await reader.read();
  await waitFor("the stream to ask for more", () => source.asked > 0);
  subscriber.replay(text("missed;"), 6, 6);
  subscriber.goLive();
  subscriber.deliver(text("next;"), 7, 7);
  assertEquals([await take(reader), await take(reader)], ["missed;", "next;"]);
  await reader.cancel();
});

Deno.test("the stream of a live client requests no history, however much the client accepts", async () => {
  const { subscriber, source } = subscribe();
  const reader = subscriber.body.getReader();
  for (let seq = 6; seq < 20; seq++) {
    await reader.read();
    subscriber.deliver(text("x"), seq, seq);
  }
  assertEquals(source.asked, 0);
  await reader.cancel();
});

Deno.test("a heartbeat is sent only if no bytes are unsent", async () => {
  const { subscriber } = subscribe();
  subscriber.beat(text("beat;"), subscriber.position);
  const reader = subscriber.body.getReader();
  assertEquals(await take(reader), "hello;");
  subscriber.beat(text("beat;"), subscriber.position);
  subscriber.beat(text("beat;"), subscriber.position);
  assertEquals(await take(reader), "beat;");
  subscriber.end(text("bye"));
  assertEquals(await take(reader), "bye");
  subscriber.beat(text("beat;"), subscriber.position);
});

Deno.test("a client is stalled once bytes are unsent for the whole time and it has accepted none", () => {
  const { subscriber } = subscribe();
  assertEquals(subscriber.isStalled(59, 60), false);
  assertEquals(subscriber.isStalled(60, 60), true);
});

Deno.test("bytes that are pushed to a client that takes none are no progress", () => {
  const { subscriber } = subscribe();
  for (let now = 10; now < 60; now += 10) {
    subscriber.deliver(text("x"), now, now);
    assertEquals(subscriber.isStalled(now, 60), false);
  }
  assertEquals(subscriber.isStalled(60, 60), true);
});

Deno.test("a slow client that takes something now and then is not stalled", async () => {
  const { subscriber } = subscribe();
  const reader = subscriber.body.getReader();
  for (let now = 0; now < 600; now += 50) {
    subscriber.deliver(text("x"), now + 6, now + 6);
    subscriber.deliver(text("y"), now + 7, now + 7);
    await reader.read();
    assertEquals(subscriber.isStalled(now, 60), false, `at ${now}`);
  }
  await reader.cancel();
});

Deno.test("a client without unsent bytes is never stalled, and its stall time starts again after that", async () => {
  const { subscriber } = subscribe();
  const reader = subscriber.body.getReader();
  await reader.read();
  for (const now of [100, 1000]) assertEquals(subscriber.isStalled(now, 60), false);
  subscriber.deliver(text("x"), 6, 6);
  assertEquals(subscriber.isStalled(1059, 60), false);
  assertEquals(subscriber.isStalled(1060, 60), true);
  await reader.cancel();
});

Deno.test("after the end nothing more is sent, and ending again does nothing", async () => {
  const { subscriber, source } = subscribe();
  subscriber.end(text("bye"));
  assertEquals(subscriber.isEnded, true);
  subscriber.deliver(text("x"), 6, 6);
  subscriber.replay(text("x"), 6, 6);
  subscriber.goLive();
  subscriber.beat(text("x"), subscriber.position);
  subscriber.end(text("x"));
  subscriber.abort("x");
  assertEquals(await everything(subscriber), "hello;bye");
  assertEquals([subscriber.position, subscriber.unsentBytes, source.gone], [5, 0, 0]);
});

Deno.test("an aborted stream drops its unsent bytes, and its client sees a broken connection", async () => {
  const { subscriber, source } = subscribe();
  subscriber.deliver(text("x"), 6, 6);
  subscriber.abort("too slow");
  assertEquals([subscriber.isEnded, subscriber.unsentBytes], [true, 0]);
  const reader = subscriber.body.getReader();
  const error = await reader.read().then(() => undefined, (reason) => reason);
  // The runtime prints it when the connection closes: one line of the log, without a stack.
  assertEquals([error.message, error.stack], ["too slow", "too slow"]);
  assertEquals(source.gone, 0);
});

Deno.test("a client that leaves is reported once, and nothing is sent to it any more", async () => {
  const { subscriber, source } = subscribe();
  await subscriber.body.cancel();
  assertEquals([subscriber.isEnded, source.gone], [true, 1]);
  subscriber.deliver(text("x"), 6, 6);
  subscriber.end(text("bye"));
  subscriber.abort("x");
  assertEquals([source.gone, source.asked], [1, 0]);
});

Deno.test("a client that leaves after the end of its stream is not reported", async () => {
  const { subscriber, source } = subscribe();
  subscriber.end(text("bye"));
  await subscriber.body.cancel();
  assertEquals(source.gone, 0);
});

Deno.test("clients of the same channels share one key, in whatever order they name the channels", () => {
  const [one, same, other, odd] = [["a", "b"], ["b", "a"], ["a"], ['a","b']].map((channels) =>
    subscribe({ channels }).subscriber.channelsKey
  );
  assertEquals(one, same);
  assertEquals(new Set([one, other, odd]).size, 3);
});
