/**
 * What the figures were measured on, and whether anything else was going on there.
 *
 * @module
 */
import { textOf } from "./ask.ts";
import { canPin } from "./pinned.ts";

/** The machine, for the report. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  /** The system's TCP congestion control: some cost more CPU a write than others. */
  readonly congestionControl: string;
  readonly pinned: boolean;
}

/** Looks at the machine. */
export async function describeMachine(): Promise<Machine> {
  const processors = await readFile("/proc/cpuinfo");
  return {
    processor: /^model name\s*:\s*(.*)$/m.exec(processors)?.[1] ?? Deno.build.arch,
    cores: navigator.hardwareConcurrency,
    memoryGb: Math.round(Deno.systemMemoryInfo().total / 2 ** 30),
    kernel: `${Deno.build.os} ${Deno.osRelease()}`,
    congestionControl: (await readFile("/proc/sys/net/ipv4/tcp_congestion_control")).trim(),
    pinned: canPin,
  };
}

/** Seconds that all cores together have been busy since the machine started; 0 where nobody counts. */
export async function busySeconds(): Promise<number> {
  const [, ...fields] = (await readFile("/proc/stat")).split("\n", 1)[0]?.split(/\s+/) ?? [];
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = fields.map(Number);
  return (user + nice + system + irq + softirq) / await ticksPerSecond();
}

let ticks: number | undefined;

/** In which the system counts the CPU that was used. */
export async function ticksPerSecond(): Promise<number> {
  return ticks ??= Number(await textOf("getconf", ["CLK_TCK"])) || 100;
}

async function readFile(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return "";
  }
}
