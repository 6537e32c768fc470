/**
 * What happens to a site while it is at work, one thing after the other.
 *
 * @module
 */
import type { SeededRandom } from "../support/seeded_random.ts";
import { type ControlFields } from "../support/server.ts";
import type { Account } from "./account.ts";
import { CHANNELS, USERS } from "./parts.ts";
import type { Node, Site } from "./site.ts";

/** What a fault needs. */
interface Strike {
  readonly site: Site;
  readonly node: Node;
  readonly account: Account;
  readonly random: SeededRandom;
}

interface Fault {
  readonly name: string;
  readonly weight: number;
  /** Whether it ends the process, and with it what its memory could show. */
  readonly isRestart?: boolean;
  readonly fits: (site: Site) => boolean;
  readonly strike: (strike: Strike) => Promise<void>;
}

const ANY = () => true;
const ON_REDIS = ({ redis }: Site) => redis !== undefined;

const FAULTS: readonly Fault[] = [
  {
    name: "server killed",
    weight: 3,
    isRestart: true,
    fits: ANY,
    strike: async ({ node, random }) => {
      await node.kill();
      await pause(random, 0, 500);
      await node.startAgain();
    },
  },
  {
    name: "server stopped",
    weight: 3,
    isRestart: true,
    fits: ANY,
    strike: async ({ node, account }) => {
      const code = await node.stop();
      if (code !== 0) account.findings.add(`${node.name} ended with status ${code} at SIGTERM`);
      await node.startAgain();
    },
  },
  {
    name: "worker died",
    weight: 3,
    fits: ({ shape }) => shape.workers > 1,
    strike: ({ node }) => signal(node, "SIGUSR2"),
  },
  {
    name: "connections cut",
    weight: 4,
    fits: ANY,
    strike: async ({ node, random }) => {
      node.relay.cut();
      await pause(random, 0, 1_000);
      node.relay.mend();
    },
  },
  {
    name: "connections stalled",
    weight: 2,
    fits: ANY,
    strike: async ({ node, random }) => {
      node.relay.stall();
      await pause(random, 500, 3_000);
      node.relay.mend();
    },
  },
  { name: "SIGHUP", weight: 2, fits: ANY, strike: ({ node }) => signal(node, "SIGHUP") },
  {
    name: "streams disconnected",
    weight: 4,
    fits: ANY,
    strike: (strike) =>
      ask(
        strike,
        "POST",
        "/disconnect/",
        strike.random.pick<ControlFields>([
          { userId: strike.random.pick(USERS) },
          { channel: strike.random.pick(CHANNELS) },
          { channel: "orders.*" },
          { all: "true" },
        ]),
      ),
  },
  {
    name: "user revoked",
    weight: 4,
    fits: ANY,
    strike: async (strike) => {
      const { account, random } = strike;
      const userId = random.pick(USERS);
      const isOver = account.revoking(userId);
      await ask(strike, "POST", "/revoke/", {
        userId,
        ...random.chance(0.3) ? { channel: random.pick(CHANNELS) } : {},
      });
      isOver();
    },
  },
  {
    name: "history removed",
    weight: 3,
    fits: ANY,
    strike: async (strike) => {
      const { account, random } = strike;
      const channel = random.pick(CHANNELS);
      const userId = random.pick(USERS);
      const isOfChannel = random.chance(0.5);
      const isOver = account.removing(isOfChannel ? { channel } : { userId });
      const path = isOfChannel ? `/channels/${channel}/history` : `/users/${userId}/history`;
      await ask(strike, "DELETE", path);
      isOver();
    },
  },
  {
    name: "backup",
    weight: 2,
    fits: ({ shape }) => shape.store === "sqlite",
    strike: async (strike) => {
      const file = "backup.db";
      await ask(strike, "POST", "/backup/", { file });
      await Deno.remove(`${strike.site.backups}/${file}`);
    },
  },
  {
    name: "Redis killed",
    weight: 3,
    fits: ON_REDIS,
    strike: async ({ site, random }) => {
      await site.redis?.kill();
      await pause(random, 0, 2_000);
      await site.redis?.startAgain();
    },
  },
  {
    name: "Redis paused",
    weight: 2,
    fits: ON_REDIS,
    strike: async ({ site, random }) => {
      site.redis?.pause();
      await pause(random, 500, 3_000);
      site.redis?.goOn();
    },
  },
  {
    name: "server cut from Redis",
    weight: 3,
    fits: ON_REDIS,
    strike: async ({ node, random }) => {
      node.storeRelay?.cut();
      await pause(random, 500, 3_000);
      node.storeRelay?.mend();
    },
  },
  {
    name: "server stalled from Redis",
    weight: 2,
    fits: ON_REDIS,
    strike: async ({ node, random }) => {
      node.storeRelay?.stall();
      await pause(random, 500, 3_000);
      node.storeRelay?.mend();
    },
  },
];

/** How often faults come. */
export interface FaultOptions {
  readonly leastPauseMs: number;
  readonly mostPauseMs: number;
}

/** Faults of all kinds that fit a site, until they are stopped. */
export class Faults {
  readonly #strike: Omit<Strike, "node">;
  readonly #options: FaultOptions;
  readonly #counts = new Map<string, number>();
  readonly #stopping = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  #isStopping = false;
  #mayRestart = true;

  /** Starts them. */
  constructor(site: Site, account: Account, options: FaultOptions, random: SeededRandom) {
    this.#strike = { site, account, random };
    this.#options = options;
    this.#running = this.#run();
  }

  /** How many of each kind there were, in words. */
  get description(): string {
    const counts = [...this.#counts].toSorted(([one], [other]) => one < other ? -1 : 1);
    return counts.map(([name, count]) => `${count} × ${name}`).join(", ");
  }

  /** From now on the processes stay. */
  endRestarts(): void {
    this.#mayRestart = false;
  }

  /** Ends them; what was broken is whole again then. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#stopping.resolve();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { site, account, random } = this.#strike;
    const fitting = FAULTS.filter(({ fits }) => fits(site));
    while (!this.#isStopping) {
      const { leastPauseMs, mostPauseMs } = this.#options;
      await Promise.race([pause(random, leastPauseMs, mostPauseMs), this.#stopping.promise]);
      if (this.#isStopping) return;
      const possible = fitting.filter(({ isRestart = false }) => this.#mayRestart || !isRestart);
      const weights = Object.fromEntries(possible.map(({ name, weight }) => [name, weight]));
      const name = random.weighted(weights);
      const fault = possible.find((one) => one.name === name);
      try {
        await fault?.strike({ ...this.#strike, node: random.pick(site.nodes) });
      } catch (error) {
        account.findings.add(`after the fault "${name}": ${error}`);
      }
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    }
  }
}

/** Sends a control request, which may fail only because the store is away or a worker silent. */
async function ask(
  { node, account }: Strike,
  method: string,
  path: string,
  fields?: ControlFields,
): Promise<void> {
  const body = fields && new URLSearchParams(fields as Record<string, string>);
  const response = await node.current.control(path, { method, ...body && { body } });
  const text = await response.text();
  if (response.status !== 200 && response.status !== 503) {
    account.findings.add(`${method} ${path} was answered ${response.status}: ${text}`);
  }
}

function signal(node: Node, signal: Deno.Signal): Promise<void> {
  node.current.signal(signal);
  return Promise.resolve();
}

async function pause(random: SeededRandom, leastMs: number, mostMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, random.between(leastMs, mostMs)));
}
