import { idle, many, paced, saturated } from "./fan_out.ts";
import { channels, unheard } from "./publishing.ts";
import type { Row } from "./row.ts";
import { start } from "./starting.ts";
import { connecting, memory } from "./streams.ts";

/** The whole table, in its order. */
export const ROWS: readonly Row[] = [
  saturated,
  many,
  paced,
  idle,
  channels,
  unheard,
  connecting,
  memory,
  start,
];
