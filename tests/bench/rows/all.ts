import { idle, many, paced10, paced30, paced60, saturated } from "./fan_out.ts";
import { channels, sqliteEmits, unheard } from "./publishing.ts";
import { redis, redisEmits, redisFanOut, redisNdjson } from "./redis.ts";
import { resumingMany, resumingOne, resumingSome } from "./resuming.ts";
import type { Row } from "./row.ts";
import { start } from "./starting.ts";
import { connecting, connectingEc, connectingRsa, memory } from "./streams.ts";
import {
  workersChannels,
  workersConnecting,
  workersPaced,
  workersSaturated,
  workersUnheard,
} from "./workers.ts";

/** The rows that `--quick` runs where none are named. */
export const QUICK_ROWS: readonly Row[] = [
  saturated,
  many,
  paced10,
  paced30,
  paced60,
  idle,
  channels,
  unheard,
  connecting,
  connectingRsa,
  connectingEc,
  memory,
  start,
  sqliteEmits,
];

/** The whole table, in its order. */
export const ROWS: readonly Row[] = [
  ...QUICK_ROWS,
  workersSaturated,
  workersPaced,
  workersConnecting,
  workersUnheard,
  workersChannels,
  redis,
  redisEmits,
  redisNdjson,
  redisFanOut,
  resumingOne,
  resumingSome,
  resumingMany,
];
