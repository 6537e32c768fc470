import { Caller } from "../../../src/http/caller.ts";
import { ControlStreams, MAX_CONTROL_STREAMS } from "../../../src/http/handlers/control_streams.ts";
import { assertEquals, assertRejects, assertThrows } from "../../support/assert.ts";
import { FakeTime } from "../../support/hub/fake_time.ts";

Deno.test("whatever a stream sends, it is broken off once its client has read nothing for a minute", async () => {
  using time = new FakeTime();
  const streams = new ControlStreams();
  let ended = 0;
  const stream = streams.open(Caller.anyone, () => ended++);
  stream.send("stats", { text: "x".repeat(100_000) });
  await time.advance(59_000);
  assertEquals([stream.isEnded, ended], [false, 0]);
  await time.advance(1000);
  assertEquals([stream.isEnded, ended], [true, 1]);
  assertEquals(time.timers, 0, "timers that are left");
  await assertRejects(() => stream.response.text(), /its client reads nothing/);
});

Deno.test("beyond the most streams none is opened, and one that ends makes room", () => {
  const streams = new ControlStreams();
  const open = () => streams.open(Caller.anyone, () => {});
  const first = open();
  for (let n = 1; n < MAX_CONTROL_STREAMS; n++) open();
  assertThrows(open, /200 streams of the control listener are open/);
  first.end();
  open();
  streams.close();
});
