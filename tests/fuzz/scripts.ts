/**
 * The scripts that run in Redis, and the other stores, against the reference model: a process of its own, because the
 * time of such a run stands still.
 *
 * Prints how many steps it has made; ends with status 1 and the error if a step went otherwise than the model.
 *
 * @module
 */
import { print } from "../bench/say.ts";
import { FakeTime } from "../support/hub/fake_time.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { ModelRun } from "../support/store/model_run.ts";
import { randomOptions, Steps } from "../support/store/model_steps.ts";
import { RedisStore } from "../support/store/redis_store.ts";
import { FollowedStore } from "../support/store/stores.ts";

const STEPS = 400;

/** How much of the log the server keeps in memory, and so does not ask a script for. */
const WINDOWS = [undefined, 2000, 0, 0, 0];

/** Makes one run, on a Redis of its own. */
async function runOnce(seed: number): Promise<number> {
  const random = new SeededRandom(seed);
  await using redis = await RedisStore.make(
    random.chance(0.5) ? "redis" : "redis without a window",
  );
  redis.windowBytes = random.pick(WINDOWS);
  const store = random.chance(0.3) ? new FollowedStore(redis, 2) : redis;
  using time = new FakeTime();
  const steps = new Steps(await ModelRun.start(store, randomOptions(random), time), random, time);
  for (let step = 0; step < STEPS; step++) await steps.next();
  await steps.finish();
  return steps.done.length;
}

const [firstSeed = 0, seconds = 0] = Deno.args.map(Number);
const end = performance.now() + seconds * 1000;
let seed = firstSeed;
do {
  try {
    print(`steps ${await runOnce(seed)}`);
  } catch (error) {
    print(`seed ${seed}`);
    print(error instanceof Error ? error.stack ?? error.message : String(error));
    Deno.exit(1);
  }
  seed = new SeededRandom(seed).fork().seed;
} while (performance.now() < end);
Deno.exit(0);
