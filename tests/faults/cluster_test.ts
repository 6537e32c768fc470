/** Three servers share a Redis, and everything between and among them fails: nobody loses anything. */
import { assert, assertEquals } from "../support/assert.ts";
import { Cluster, type Member } from "../support/cluster.ts";
import type { ClusterProxy } from "../support/cluster_proxy.ts";
import { assertOnlyLogLines } from "../support/log_lines.ts";
import { ResumingClient } from "../support/resuming_client.ts";
import { type SeededRandom, withSeed } from "../support/seeded_random.ts";
import type { Server } from "../support/server.ts";
import { requires, say } from "../support/tools.ts";
import { Traffic } from "../support/traffic.ts";

const SERVERS = 3;
const CLIENTS = 200;
/** Many, because each waits for its answer: for seconds, where a server is paused or Redis is away. */
const PUBLISHERS = 30;
const FAULTS_OF_EACH_KIND = 3;
/** Faults that happen at the same time, unless they have the same victim. */
const AT_ONCE = 2;

const FLAGS = [
  ...["-history-events", "100000", "-history-age", "3600", "-retry", "200", "-heartbeat", "1"],
];

/** What a fault needs to know of the run it is part of. */
interface Strike {
  readonly cluster: Cluster;
  readonly member: Member;
  /** Waits for a time that was chosen at random when the schedule was made. */
  readonly between: (leastMs: number, mostMs: number) => Promise<void>;
}

type Fault = (strike: Strike) => Promise<void>;

const FAULTS: Readonly<Record<string, Fault>> = {
  "server killed": ({ member, between }) =>
    member.alone(async () => {
      await member.kill();
      await between(0, 500);
      await member.startAgain();
    }),
  "server paused": ({ member, between }) =>
    member.alone(async () => {
      member.current.signal("SIGSTOP");
      await between(1000, 3000);
      member.current.signal("SIGCONT");
    }),
  "server cut from Redis": ({ member, between }) =>
    member.alone(async () => {
      member.relay.cut();
      await between(500, 3000);
      member.relay.mend();
    }),
  "server stalled from Redis": ({ member, between }) =>
    member.alone(async () => {
      member.relay.stall();
      await between(2000, 3500);
      member.relay.mend();
    }),
  "Redis killed": ({ cluster, between }) =>
    cluster.alone(async () => {
      await cluster.redis.kill();
      await between(0, 2000);
      await cluster.redis.startAgain();
    }),
  "Redis paused": ({ cluster, between }) =>
    cluster.alone(async () => {
      cluster.redis.pause();
      await between(1000, 3000);
      cluster.redis.goOn();
    }),
  "all servers rolled": async ({ cluster }) => {
    for (const member of cluster.members) {
      await member.alone(async () => {
        assertEquals(await member.stop(), 0);
        await member.startAgain();
      });
    }
  },
};

interface ScheduledFault {
  readonly name: string;
  readonly strike: () => Promise<void>;
}

/** All faults in a random order, with their victims. */
function schedule(cluster: Cluster, random: SeededRandom): ScheduledFault[] {
  const all = Object.entries(FAULTS).flatMap((entry) =>
    Array.from({ length: FAULTS_OF_EACH_KIND }, () => entry)
  );
  return random.shuffled(all).map(([name, fault]) => {
    const member = random.pick(cluster.members);
    const share = random.next();
    const between = (least: number, most: number) =>
      new Promise<void>((resolve) => setTimeout(resolve, least + share * (most - least)));
    return { name, strike: () => fault({ cluster, member, between }) };
  });
}

/** Returns how many faults of each kind struck, in words. */
async function strikeAll(
  faults: ScheduledFault[],
  traffic: Traffic,
  random: SeededRandom,
): Promise<string> {
  const struck: string[] = [];
  const strikeOnAndOn = async (random: SeededRandom) => {
    for (let fault = faults.shift(); fault !== undefined; fault = faults.shift()) {
      await traffic.untilSomethingHappened(random);
      await fault.strike();
      struck.push(fault.name);
    }
  };
  const lanes = Array.from({ length: AT_ONCE }, () => strikeOnAndOn(random.fork()));
  try {
    await Promise.all(lanes);
  } finally {
    faults.length = 0;
    // Whatever is under way has to come to its end before what it strikes is disposed of.
    await Promise.allSettled(lanes);
  }
  const counts = Map.groupBy(struck.toSorted(), (name) => name);
  return [...counts].map(([name, all]) => `${all.length} × ${name}`).join(", ");
}

for (const proxy of ["nginx", "haproxy"] as const) {
  Deno.test({
    name:
      `${CLIENTS} clients of ${SERVERS} servers behind ${proxy} get every acknowledged event once and in order, whatever fails`,
    ...requires("redis", proxy),
    fn: () => withSeed((random) => testWhateverFails(proxy, random)),
  });
}

async function testWhateverFails(proxy: ClusterProxy, random: SeededRandom): Promise<void> {
  const startedAt = performance.now();
  await using cluster = await Cluster.start({ servers: SERVERS, proxy, flags: FLAGS });
  const [first] = cluster.members as readonly [Member];
  await using traffic = await Traffic.start(first.current, {
    clients: CLIENTS,
    publishers: PUBLISHERS,
    eventsUrl: cluster.eventsUrl,
    emitUrl: cluster.emitUrl,
    pauseMs: 200,
    random,
  });
  const faults = await strikeAll(schedule(cluster, random), traffic, random);
  await traffic.assertNothingLost();
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  say(`seed ${random.seed}, ${seconds} s behind ${proxy}: ${faults}; ${traffic.describe()}`);
  cluster.members.flatMap(({ lives }) => lives).forEach(assertCalmLog);
  assert(traffic.refused > 0, "no emit ever came while Redis was away: the test is too gentle");
}

/** Checks that a server logged when it lost Redis and when it had it again, in turn, and nothing worse. */
function assertCalmLog(server: Server): void {
  assertOnlyLogLines(server);
  const lines = server.log.lines.filter((line) => !/ warn waiting for the store /.test(line));
  const changes = lines.flatMap((line) =>
    / (?:warn|error) .*| store reachable again /.exec(line)?.[0] ?? []
  );
  const inTurn = changes.every((change, index) =>
    change.startsWith(index % 2 === 0 ? " error store unreachable " : " store reachable again ")
  );
  assert(inTurn, server.log.text);
}

for (const fault of ["cut", "stall"] as const) {
  Deno.test({
    name: `the clients of a server that lost Redis by a ${fault} notice nothing but the delay`,
    ...requires("redis", "nginx"),
    fn: async () => {
      await using cluster = await Cluster.start({ servers: 2, proxy: "nginx", flags: FLAGS });
      const [one, other] = cluster.members as readonly [Member, Member];
      const token = await one.current.token({ userId: "alex", channel: "chat" });
      const url = one.current.eventsUrl;
      await using client = new ResumingClient({ url, token, name: "the client" });
      const emit = (data: string) => other.current.emit({ userId: "*", channel: "chat", data });
      await client.waitFor("a stream", () => client.isConnected);
      await emit("before");
      await client.waitFor("the first event", () => client.received.length === 1);
      one.relay[fault]();
      await one.current.log.waitFor(/ store unreachable /);
      const numbers = Array.from({ length: 300 }, (_, index) => `${index + 1}`);
      for (const number of numbers) await emit(number);
      assertEquals(client.received.length, 1);
      one.relay.mend();
      await one.current.log.waitFor(/ store reachable again /);
      await emit("after");
      await client.waitFor("the last event", () => client.received.at(-1)?.data === "after");
      const data = client.received.map(({ data }) => data);
      assertEquals(data, ["before", ...numbers, "after"]);
      assertEquals(client.streams.length, 1);
    },
  });
}
