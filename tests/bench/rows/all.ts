import { idle, many, paced, saturated } from "./fan_out.ts";
import { channels, unheard } from "./publishing.ts";
import { redis, redisEmits, redisFanOut, redisNdjson } from "./redis.ts";
import { resumingMany, resumingOne, resumingSome } from "./resuming.ts";
import type { Row } from "./row.ts";
import { start } from "./starting.ts";
import { connecting, connectingEc, connectingRsa, memory } from "./streams.ts";

/** The rows that `--quick` runs where none are named. */
export const QUICK_ROWS: readonly Row[] = [
  saturated,
  many,
  paced,
  idle,
  channels,
  unheard,
  connecting,
  connectingRsa,
  connectingEc,
  memory,
  start,
];

/** The whole table, in its order. */
export const ROWS: readonly Row[] = [
  ...QUICK_ROWS,
  redis,
  redisEmits,
  redisNdjson,
  redisFanOut,
  resumingOne,
  resumingSome,
  resumingMany,
];
