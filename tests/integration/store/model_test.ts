/**
 * Thousands of random steps; after each, every stream and receipt is compared with the reference model.
 *
 * @module
 */
import { FakeTime } from "../../support/hub/fake_time.ts";
import { ModelRun } from "../../support/store/model_run.ts";
import { randomOptions, Steps } from "../../support/store/model_steps.ts";
import { type SeededRandom, withSeeds } from "../../support/seeded_random.ts";
import { RedisStore } from "../../support/store/redis_store.ts";
import { FollowedStore, type Store, STORES, toolsFor } from "../../support/store/stores.ts";

const RUNS = Number(Deno.env.get("SSE_TEST_RUNS") ?? 25);
const STEPS = 200;

/** How much of the log a server on Redis, or a worker thread, keeps in memory: so that it answers nearly every read from there, some, or none. */
const WINDOWS = [undefined, 2000, 0];

for (const kind of ["memory", "sqlite", "redis"] as const) {
  for (const workers of [1, 3]) {
    Deno.test(
      `in random runs each client gets exactly the bytes of the model (${kind}, ${workers} workers)`,
      toolsFor(kind),
      async () => {
        await withSeeds(RUNS, async (random) => {
          await using real = await STORES[kind]();
          if (real instanceof RedisStore) real.windowBytes = random.pick(WINDOWS);
          const store = workers === 1 ? real : new FollowedStore(real, workers);
          if (store instanceof FollowedStore) store.windowBytes = random.pick(WINDOWS);
          await runSteps(store, random);
        });
      },
    );
  }
}

async function runSteps(store: Store, random: SeededRandom): Promise<void> {
  using time = new FakeTime();
  const options = randomOptions(random);
  const steps = new Steps(await ModelRun.start(store, options, time), random, time);
  try {
    if (random.chance(0.2)) await steps.gather(250);
    for (let step = 0; step < STEPS; step++) await steps.next();
    await steps.finish();
  } catch (error) {
    const last = steps.done.slice(-20).join(", ");
    throw new Error(
      `after ${steps.done.length} steps with ${JSON.stringify(options)}; the last ones: ${last}`,
      { cause: error },
    );
  }
}
