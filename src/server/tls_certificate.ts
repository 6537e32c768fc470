import { createPrivateKey, X509Certificate } from "node:crypto";
import { reasonOf, StartError } from "../lib/errors.ts";
import type { LogFields } from "../observability/log_line.ts";
import type { Logger } from "../observability/logger.ts";
import { readTextFile } from "./text_file.ts";

/** The files of a certificate and its key, in PEM. */
export interface TlsFiles {
  /** The server's certificate first, then those that lead to one which clients know. */
  readonly certificate: string;
  readonly key: string;
}

/** What the files hold: plain data, as `Deno.serve` takes it. */
export interface TlsCertificate {
  readonly cert: string;
  readonly key: string;
}

/**
 * Reads a certificate and its key, and makes sure that the runtime can use them.
 *
 * @throws StartError if a file cannot be read or is wrong, or the key is another certificate's.
 */
export function readTlsCertificate(files: TlsFiles): TlsCertificate {
  const cert = readTextFile("TLS certificate", files.certificate);
  const key = readTextFile("TLS key", files.key);
  const refuse = (what: "certificate" | "key", reason: string) =>
    new StartError(`Cannot use the TLS ${what} ${files[what]}: ${reason}.`);
  const certificate = parsed(() => new X509Certificate(cert));
  if (certificate === undefined) throw refuse("certificate", "it holds no certificate in PEM");
  const privateKey = parsed(() => createPrivateKey(key));
  if (privateKey === undefined) {
    throw refuse("key", "it holds no private key in PEM, or one that needs a passphrase");
  }
  if (!certificate.checkPrivateKey(privateKey)) {
    throw refuse("key", `it does not fit the certificate ${files.certificate}`);
  }
  try {
    // What one library takes, the one that serves may not.
    Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key }).close();
  } catch (error) {
    throw refuse("certificate", reasonOf(error));
  }
  return { cert, key };
}

/** Until when a certificate is valid, for the log. */
export function validityOf({ cert }: TlsCertificate): LogFields {
  return { until: toISOString(new X509Certificate(cert).validTo) };
}

/** Warns of a certificate that clients refuse because of its dates. */
export function warnOfDates(certificate: TlsCertificate, now: number, logger: Logger): void {
  const { validFrom, validTo } = new X509Certificate(certificate.cert);
  const span = { from: toISOString(validFrom), until: toISOString(validTo) };
  if (now > Date.parse(validTo)) logger.warn("certificate has expired", span);
  if (now < Date.parse(validFrom)) logger.warn("certificate is not valid yet", span);
}

/** @param date such as `Nov 26 15:30:16 2026 GMT`. */
function toISOString(date: string): string {
  return new Date(date).toISOString();
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
