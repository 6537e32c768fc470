import { UsageError } from "./errors.ts";

/** An address that listens on a port. */
export interface PortAddress {
  /** A host name or an IP address without brackets; `undefined` for every address of the machine. */
  readonly host: string | undefined;
  /** 0 lets the system choose a free port. */
  readonly port: number;
}

/** A Unix socket, which programs on this machine find as a file. */
export interface SocketAddress {
  readonly path: string;
  /** The permissions of the file. */
  readonly mode: number;
}

/** An address to listen on. */
export type Address = PortAddress | SocketAddress;

/** The texts that {@link parseAddress} reads, for messages. */
const ADDRESS_RULE =
  ":8000, 127.0.0.1:8000, [::1]:8000, localhost:8000, unix:/run/sse.sock or unix:/run/sse.sock,mode=660";

/** Whether an address is a Unix socket. */
export function isSocket(address: Address): address is SocketAddress {
  return "path" in address;
}

/**
 * Reads `:8000`, `127.0.0.1:8000`, `[::1]:8000` or `localhost:8000`; or a Unix socket, `unix:/run/sse.sock`, with
 * its permissions in octal if they are given: `unix:/run/sse.sock,mode=660`.
 *
 * @param source the flag or variable that the text came from, for the message: `-bind` or `SSE_BIND`.
 * @param socketMode the permissions of a socket where none are given.
 * @throws UsageError if the text has none of these forms.
 */
export function parseAddress(text: string, source: string, socketMode: number): Address {
  const address = parseSocketAddress(text, socketMode) ?? parsePortAddress(text);
  if (address !== undefined) return address;
  throw new UsageError(
    `Bad address in ${source}: ${JSON.stringify(text)}. Write it like ${ADDRESS_RULE}.`,
  );
}

function parseSocketAddress(text: string, socketMode: number): SocketAddress | undefined {
  const [, path, mode] = /^unix:([^,\0]+)(?:,mode=(0?[0-7]{3}))?$/.exec(text) ?? [];
  if (path === undefined) return undefined;
  return { path, mode: mode === undefined ? socketMode : Number.parseInt(mode, 8) };
}

function parsePortAddress(text: string): PortAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]*)):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) return undefined;
  return { host: match[1] || match[2] || undefined, port };
}

/**
 * The text of an address.
 *
 * @param everyAddress the host to show for every address of the machine.
 */
export function showAddress(address: Address, everyAddress: string): string {
  return isSocket(address)
    ? `unix:${address.path}`
    : formatAddress(address.host ?? everyAddress, address.port);
}

/** The text of a host and a port, as {@link parseAddress} reads it. */
export function formatAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only this machine can reach a listener on the host. `undefined` stands for every address. */
export function isLoopback(host: string | undefined): boolean {
  if (host === undefined) return false;
  return host === "localhost" || host === "::1" ||
    /^127(\.[0-9]{1,3}){3}$/.test(host);
}

/** Whether only this machine can reach a listener on the address. */
export function isPrivate(address: Address): boolean {
  return isSocket(address) || isLoopback(address.host);
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
