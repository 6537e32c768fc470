import { readHealthConfig } from "../config/config.ts";
import { type Address, formatAddress, isSocket, showAddress } from "../lib/address.ts";
import { within } from "../lib/deadline.ts";
import { reasonOf } from "../lib/errors.ts";
import { readSecret } from "../server/secrets.ts";

/** A server that takes longer is of no use to its clients either. */
const DEADLINE_MS = 5_000;

/** A server was asked how it is, and is not well; or it could not be asked. Exit status 1. */
export class Unhealthy extends Error {
  override readonly name = "Unhealthy";
}

/**
 * What `sse-server health` prints: `ok` for a server that accepts connections. A supervisor without a shell, such as
 * that of a container, asks so.
 *
 * @param flags the values of `SERVER_OPTIONS` by name, as the server was started with them.
 * @param environment looks up one variable.
 * @throws UsageError naming the flag that is wrong, StartError for an unreadable key file, Unhealthy
 */
export async function checkHealth(
  flags: Readonly<Record<string, readonly string[]>>,
  environment: (name: string) => string | undefined,
): Promise<string> {
  const { control, controlKey } = readHealthConfig(flags, environment);
  const key = readSecret(controlKey);
  const refuse = (reason: string): never => {
    throw new Unhealthy(`Not healthy: ${showAddress(control, "")} ${reason}.`);
  };
  const asked = ask(control, key).catch((error) => refuse(`cannot be asked: ${causeOf(error)}`));
  const { status, text } = await within(
    DEADLINE_MS,
    asked,
    () => refuse(`has not answered within ${DEADLINE_MS / 1000} seconds`),
  );
  // The file of -control-keys does not hold the keys themselves. Who refuses for want of one is alive.
  if (status === 200 || (status === 401 && key === undefined)) return "ok";
  return refuse(`answers ${status}: ${text}`);
}

async function ask(
  control: Address,
  key: string | undefined,
): Promise<{ readonly status: number; readonly text: string }> {
  const headers = key === undefined ? {} : { Authorization: `Bearer ${key}` };
  const proxy = isSocket(control) ? { transport: "unix", path: control.path } as const : undefined;
  using client = Deno.createHttpClient(proxy === undefined ? {} : { proxy });
  const url = `http://${hostOf(control)}/healthz`;
  const response = await fetch(url, { headers, redirect: "manual", client });
  return { status: response.status, text: (await response.text()).trim() };
}

/** The runtime says no more than that fetching failed; why, it keeps in the cause. */
function causeOf(error: unknown): string {
  return reasonOf(error instanceof Error ? error.cause ?? error : error);
}

/** The host and the port to ask. An address of this machine stands for all of them. */
function hostOf(control: Address): string {
  if (isSocket(control)) return "localhost";
  const { host, port } = control;
  if (host === undefined || host === "0.0.0.0") return formatAddress("127.0.0.1", port);
  return formatAddress(host === "::" ? "::1" : host, port);
}
