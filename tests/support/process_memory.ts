/**
 * How much memory, and how many file descriptors, a process takes (Linux only).
 *
 * @module
 */

/** The resident memory of a process in bytes, at this moment. */
export function residentBytes(pid: number): Promise<number> {
  return statusBytes(pid, "VmRSS");
}

/** The most resident memory in bytes that a process has had since it started. */
export function peakResidentBytes(pid: number): Promise<number> {
  return statusBytes(pid, "VmHWM");
}

/** How many file descriptors a process has open. */
export async function openDescriptors(pid: number): Promise<number> {
  return (await Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`))).length;
}

async function statusBytes(pid: number, field: string): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const kilobytes = status.match(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m"))?.[1];
  if (kilobytes === undefined) throw new Error(`no ${field} in /proc/${pid}/status`);
  return Number(kilobytes) * 1024;
}

/** Bytes in mebibytes, for messages. */
export function inMebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
