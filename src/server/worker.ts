/**
 * A worker thread: a client listener with a hub of its own, which follows the log of the main thread.
 *
 * @module
 */
import { workerData } from "node:worker_threads";
import { Revocations } from "../auth/revocations.ts";
import { ThreadFollower } from "../broker/thread/thread_follower.ts";
import { sharedCounters } from "../hub/connection_counter.ts";
import { systemClock } from "../lib/clock.ts";
import { reasonOf } from "../lib/errors.ts";
import { createLogger, printToStderr } from "../observability/logger.ts";
import { answer, type ClientQueries, LocalClients } from "./client_side.ts";
import { RemotePlaces } from "./remote_places.ts";
import { surviveFailures } from "./survive_failures.ts";
import {
  type FromWorker,
  isToFollower,
  type ToWorker,
  type WorkerStart,
} from "./worker_messages.ts";

const { settings, head, revocations: revoked, counts, worker, port } = workerData as WorkerStart;
const { logLevel, logFormat, retention } = settings.config;
const now = () => systemClock.wall();
const logger = createLogger(logLevel, now, printToStderr, logFormat);
const post = (message: FromWorker) => port.postMessage(message);
const placeCounts = new RemotePlaces(post);
const feed = new ThreadFollower({ head, retention, now, post });

const revocations = new Revocations();

surviveFailures(logger);
start();

function start(): void {
  try {
    const shared = sharedCounters(counts, worker);
    revocations.add(revoked, now() / 1000);
    const clients = LocalClients.start(settings, {
      feed,
      clock: systemClock,
      logger,
      revocations,
      shared,
      placeCounts,
    });
    port.onmessage = ({ data }: MessageEvent<ToWorker>) => take(clients, data);
    beat(clients);
    post({ kind: "started", address: clients.address });
  } catch (error) {
    post({ kind: "start failed", reason: reasonOf(error) });
  }
}

function beat({ accepting, lastCounts }: LocalClients): void {
  post({ kind: "beat", accepting, counts: lastCounts });
}

async function take(clients: LocalClients, message: ToWorker): Promise<void> {
  if (isToFollower(message)) return feed.take(message);
  switch (message.kind) {
    case "query": {
      const { id, name } = message;
      // The sender's types are those of `ClientQueries`.
      const args = message.args as Parameters<ClientQueries[typeof name]>;
      return post({ kind: "answer", id, answer: await answer(clients.queries, name, args) });
    }
    case "place":
      return placeCounts.answered(message);
    case "use keys":
      return clients.useKeys(message.keys);
    case "use certificate":
      return clients.useCertificate(message.certificate);
    case "use log level":
      return clients.useLogLevel(message.level);
    case "ping":
      return beat(clients);
    case "announce stop":
      return clients.announceStop();
    case "stop accepting":
      await clients.stopAccepting();
      await clients.close();
      return post({ kind: "stopped" });
    case "drain":
      return clients.drain();
  }
}
