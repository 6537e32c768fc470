/**
 * The run of one site, from its start to its verdict.
 *
 * @module
 */
import { say } from "../bench/say.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import { Account } from "./account.ts";
import { Crowd, type CrowdOptions } from "./crowd.ts";
import {
  describeMoment,
  type GrowthAllowance,
  judgeGrowth,
  type Moment,
  takeMoment,
} from "./curve.ts";
import { type FaultOptions, Faults } from "./faults.ts";
import { Findings } from "./findings.ts";
import { judgeLevel, judgeLogs, type LevelResult } from "./level.ts";
import { Publishers } from "./publishers.ts";
import type { Site, SiteShape } from "./site.ts";

/** How a run goes. */
export interface Pace {
  /** From the start until everybody goes home. */
  readonly trafficSeconds: number;
  readonly historyAgeSeconds: number;
  readonly sampleSeconds: number;
  readonly idleSeconds: number;
  readonly crowd: Omit<CrowdOptions, "size">;
  readonly faults: FaultOptions;
  readonly growth: GrowthAllowance;
}

/** What became of one site. */
export interface SiteResult {
  readonly shape: SiteShape;
  readonly moments: readonly Moment[];
  /** From here on no process was restarted, and memory is compared. */
  readonly levelFromSecond: number;
  readonly levels: readonly LevelResult[];
  readonly faults: string;
  readonly findings: Findings;
  /** How late the checker's own timer was at most. */
  readonly checkerLateSeconds: number;
}

/** The part of the traffic in which servers are killed and stopped; memory shows nothing before its end. */
const RESTARTS = 0.25;
/** When memory has had time to become what the load makes of it: ten minutes after the last restart, of thirty. */
const WARM = 0.6;

const COMPARE_MS = 2_000;

/** How many are taken for each line of what a run prints. */
const MOMENTS_A_LINE = 12;

/** Faults have healed by then. */
const HEALING_MS = 1_000;

/** Runs a site, and ends it. */
export async function runSite(
  startedSite: Site,
  size: number,
  pace: Pace,
  random: SeededRandom,
): Promise<SiteResult> {
  await using site = startedSite;
  const { shape } = site;
  const findings = new Findings(shape.name);
  const memory = {
    historyAgeSeconds: pace.historyAgeSeconds,
    losesAll: shape.store === "memory",
  };
  const account = new Account(memory, findings);
  const crowd = new Crowd(site, account, { ...pace.crowd, size }, random.fork());
  const publishers = new Publishers(site, account, random.fork());
  const faults = new Faults(site, account, pace.faults, random.fork());
  const comparing = setInterval(() => crowd.compare(), COMPARE_MS);

  const moments: Moment[] = [];
  const begin = performance.now();
  const second = () => (performance.now() - begin) / 1000;
  const levelFromSecond = WARM * pace.trafficSeconds;
  while (second() < pace.trafficSeconds) {
    if (second() >= RESTARTS * pace.trafficSeconds) faults.endRestarts();
    const moment = await takeMoment(site, account, crowd, Math.round(second()));
    moments.push(moment);
    if ((moments.length - 1) % MOMENTS_A_LINE === 0) say(stateOf(shape, moment));
    await pause(pace.sampleSeconds * 1000);
  }
  judgeGrowth(
    site,
    moments.filter(({ second }) => second >= levelFromSecond),
    pace.growth,
    findings,
  );

  await faults.stop();
  await pause(HEALING_MS);
  await publishers.stop();
  await crowd.settle();
  // The clocks' slack has to pass before the last events can be compared.
  await pause(2 * HEALING_MS);
  clearInterval(comparing);
  crowd.compare();
  moments.push(await takeMoment(site, account, crowd, Math.round(second())));
  await crowd.goHome();
  await pause(HEALING_MS);
  moments.push(await takeMoment(site, account, crowd, Math.round(second())));
  const levels = await judgeLevelIfUp(site, crowd.streams, pace.idleSeconds, findings);
  judgeLogs(site, findings);
  const last = moments.at(-1);
  if (last !== undefined) say(`${stateOf(shape, last)}; ${faults.description}`);
  return {
    ...{ shape, moments, levelFromSecond, levels, faults: faults.description, findings },
    checkerLateSeconds: crowd.latestSeconds,
  };
}

/** A server that could not be judged is a finding, not the end of what the others have to tell. */
async function judgeLevelIfUp(
  site: Site,
  streams: number,
  idleSeconds: number,
  findings: Findings,
): Promise<readonly LevelResult[]> {
  try {
    for (const node of site.nodes) if (node.current.hasEnded) await node.startAgain();
    return await judgeLevel(site, streams, idleSeconds, findings);
  } catch (error) {
    findings.add(`the servers could not be judged at the end: ${error}`);
    return [];
  }
}

function stateOf({ name }: SiteShape, moment: Moment): string {
  return `${String(moment.second).padStart(5)} s  ${name}: ${describeMoment(moment)}`;
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}
