const encoder = new TextEncoder();

/** Prints a line of the results. */
export function print(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}

/** Prints a line about how far it is, where it does not mix with the results. */
export function say(line: string): void {
  Deno.stderr.writeSync(encoder.encode(`${line}\n`));
}
