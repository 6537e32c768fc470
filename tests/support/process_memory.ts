/**
 * How much memory a process takes (Linux only).
 *
 * @module
 */

/** The resident memory of a process in bytes, at this moment. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const kilobytes = status.match(/^VmRSS:\s+(\d+) kB$/m)?.[1];
  if (kilobytes === undefined) throw new Error(`no VmRSS in /proc/${pid}/status`);
  return Number(kilobytes) * 1024;
}

/** Bytes in mebibytes, for messages. */
export function inMebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
