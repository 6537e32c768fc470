/**
 * The server with a fault of which fuzzing must find out: it answers OK for one event in 100 that it has not kept.
 *
 * @module
 */
import { MemoryLog } from "../../src/broker/memory_log.ts";

const KEPT_OF = 100;

const { append } = MemoryLog.prototype;
let appended = 0;

MemoryLog.prototype.append = function (entries) {
  append.call(
    this,
    entries.map((entry) => ({
      ...entry,
      events: entry.events.filter(() => ++appended % KEPT_OF > 0),
    })),
  );
};

await import("../../main.ts");
