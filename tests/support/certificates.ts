/**
 * Certificates of a certificate authority of a test's own.
 *
 * @module
 */
import { run } from "./child_process.ts";
import type { TempDir } from "./temp_dir.ts";
import { toolPath } from "./tools.ts";

/** Files in the form PEM. */
export interface Certificates {
  /** The authority's, for those who are to trust it. */
  readonly authority: string;
  /** A server's at 127.0.0.1. */
  readonly certificate: string;
  readonly key: string;
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** Makes an authority and a certificate of it, in a folder. */
export async function makeCertificates(folder: TempDir): Promise<Certificates> {
  const [authority, authorityKey] = [folder.join("ca.pem"), folder.join("ca.key")];
  const [certificate, key] = [folder.join("server.pem"), folder.join("server.key")];
  const request = folder.join("server.csr");
  const extensions = await folder.write("extensions", "subjectAltName=IP:127.0.0.1\n");
  await openssl("req", "-x509", ...NEW_KEY, "-subj", "/CN=an authority", "-days", "2", ...[
    ...["-keyout", authorityKey, "-out", authority],
  ]);
  await openssl("req", ...NEW_KEY, "-subj", "/CN=a server", "-keyout", key, "-out", request);
  await openssl("x509", "-req", "-in", request, "-CA", authority, "-CAkey", authorityKey, ...[
    ...["-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", certificate],
  ]);
  return { authority, certificate, key };
}

/** The texts of a server's certificate and key, as `Deno.serve` takes them. */
export async function readCertificate(
  { certificate, key }: Certificates,
): Promise<{ readonly cert: string; readonly key: string }> {
  return { cert: await Deno.readTextFile(certificate), key: await Deno.readTextFile(key) };
}

/** Writes a key anew so that it needs a passphrase, beside the old one, and returns the file's path. */
export async function protectWithPassphrase(key: string): Promise<string> {
  await openssl("pkey", "-in", key, "-aes128", "-passout", "pass:secret", "-out", `${key}.secret`);
  return `${key}.secret`;
}

async function openssl(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await run(toolPath("openssl"), args);
  if (code !== 0) throw new Error(`openssl ${args[0]} failed:\n${stderr}`);
}
