import { StreamTimer } from "../../../src/hub/stream_timer.ts";
import { assertEquals } from "../../support/assert.ts";
import { FakeTime } from "../../support/hub/fake_time.ts";

/** A timer that notes whom it visits, and at what time who gets a heartbeat. */
function noted(time: FakeTime, heartbeatMs: number, stallMs: number) {
  const visits: [at: number, stream: string][] = [];
  const beats: [at: number, stream: string][] = [];
  const timer = new StreamTimer<string>(heartbeatMs, stallMs, (stream, isBeatDue) => {
    visits.push([time.steady(), stream]);
    if (isBeatDue) beats.push([time.steady(), stream]);
  });
  return { timer, visits, beats };
}

Deno.test("a timer runs only while there are streams", async () => {
  using time = new FakeTime();
  const { timer, visits } = noted(time, 5000, 0);
  assertEquals([time.timers, timer.size], [0, 0]);
  timer.add("one");
  timer.add("other");
  assertEquals([time.timers, timer.size, [...timer.streams()]], [1, 2, ["one", "other"]]);
  assertEquals([timer.delete("one"), timer.delete("one"), time.timers], [true, false, 1]);
  assertEquals([timer.delete("other"), time.timers, timer.size], [true, 0, 0]);
  await time.advance(10_000);
  assertEquals(visits, []);
  timer.add("again");
  await time.advance(1000);
  assertEquals(visits.length, 1);
  timer.delete("again");
});

Deno.test("every stream gets its heartbeat once in each interval, and not all of them at once", async () => {
  using time = new FakeTime();
  const { timer, beats } = noted(time, 5000, 0);
  const streams = Array.from({ length: 10 }, (_, n) => `stream ${n}`);
  for (const stream of streams) timer.add(stream);
  await time.advance(20_000);
  for (const stream of streams) {
    const times = beats.filter(([, of]) => of === stream).map(([at]) => at);
    assertEquals(times.map((at, n) => at - (times[0] ?? 0) - n * 5000), [0, 0, 0, 0], stream);
  }
  for (let second = 1; second <= 20; second++) {
    assertEquals(beats.filter(([at]) => at === second * 1000).length, 2, `at ${second} s`);
  }
  for (const stream of streams) timer.delete(stream);
});

Deno.test("an interval that is no whole number of seconds is kept all the same", async () => {
  for (const [heartbeatMs, stallMs] of [[1500, 0], [59_500, 60_000], [2500, 700]] as const) {
    using time = new FakeTime();
    const { timer, beats } = noted(time, heartbeatMs, stallMs);
    timer.add("one");
    await time.advance(3 * heartbeatMs);
    const times = beats.map(([at]) => Math.round(at));
    const intervals = times.slice(1).map((at, n) => at - (times[n] ?? 0));
    assertEquals(intervals.slice(0, 2), [heartbeatMs, heartbeatMs], `${heartbeatMs}, ${stallMs}`);
    timer.delete("one");
  }
});

Deno.test("every stream is visited each second, and more often where a shorter time has to be told apart", async () => {
  for (
    const [heartbeatMs, stallMs, visitsPerSecond] of [
      [15_000, 60_000, 1],
      [15_000, 0, 1],
      [0, 0, 1],
      [15_000, 250, 4],
      [100, 60_000, 10],
    ] as const
  ) {
    using time = new FakeTime();
    const { timer, visits } = noted(time, heartbeatMs, stallMs);
    timer.add("one");
    timer.add("other");
    await time.advance(1000);
    assertEquals(visits.length, 2 * visitsPerSecond, `${heartbeatMs} ms, ${stallMs} ms`);
    timer.delete("one");
    timer.delete("other");
  }
});

Deno.test("a stream that is ended by a visit is not visited again, and the others are", async () => {
  using time = new FakeTime();
  const visits: string[] = [];
  const timer = new StreamTimer<string>(0, 0, (stream) => {
    visits.push(stream);
    if (stream === "first") {
      timer.delete("first");
      timer.delete("second");
    }
  });
  for (const stream of ["first", "second", "third"]) timer.add(stream);
  await time.advance(2000);
  assertEquals(visits, ["first", "third", "third"]);
  timer.delete("third");
});
