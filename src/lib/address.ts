import { UsageError } from "./errors.ts";

/** An address to listen on. */
export interface Address {
  /** A host name or an IP address without brackets; `undefined` for every address of the machine. */
  readonly host: string | undefined;
  /** 0 lets the system choose a free port. */
  readonly port: number;
}

/**
 * Reads `:8000`, `127.0.0.1:8000`, `[::1]:8000` or `localhost:8000`.
 *
 * @param source the flag or variable that the text came from, for the message: `-bind` or `SSE_BIND`.
 * @throws UsageError if the text has none of these forms.
 */
export function parseAddress(text: string, source: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]*)):([0-9]{1,5})$/.exec(
    text,
  );
  const port = Number(match?.[3]);
  if (match === null || port > 65535) {
    throw new UsageError(
      `Bad address in ${source}: ${
        JSON.stringify(text)
      }. Write it like :8000, 127.0.0.1:8000, [::1]:8000 or localhost:8000.`,
    );
  }
  return { host: match[1] || match[2] || undefined, port };
}

/** The text of an address, as {@link parseAddress} reads it. */
export function formatAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only this machine can reach a listener on the host. `undefined` stands for every address. */
export function isLoopback(host: string | undefined): boolean {
  if (host === undefined) return false;
  return host === "localhost" || host === "::1" ||
    /^127(\.[0-9]{1,3}){3}$/.test(host);
}

/** Whether a host is an IP address rather than a name. */
export function isIpAddress(host: string): boolean {
  return host.includes(":") || /^[0-9]{1,3}(\.[0-9]{1,3}){3}$/.test(host);
}

/** The host of `hub:8001`, `[::1]:8001` or `hub`, in lower case and without brackets; `undefined` for other texts. */
export function hostWithoutPort(text: string): string | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::[0-9]*)?$/.exec(text.toLowerCase());
  return match?.[1] ?? match?.[2];
}
