import { createLogger } from "../../../src/observability/logger.ts";
import {
  readTlsCertificate,
  type TlsFiles,
  validityOf,
  warnOfDates,
} from "../../../src/server/tls_certificate.ts";
import { assertEquals, assertMatch, assertThrows } from "../../support/assert.ts";
import { makeCertificates, protectWithPassphrase } from "../../support/certificates.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { requires } from "../../support/tools.ts";

const DAY_MS = 86_400_000;

Deno.test({
  name: "a certificate with its key is read, and files that are wrong are refused with the reason",
  ...requires("openssl"),
  fn: async () => {
    await using folder = await TempDir.make();
    const { certificate, key, authority } = await makeCertificates(folder);
    assertEquals(readTlsCertificate({ certificate, key }), {
      cert: await Deno.readTextFile(certificate),
      key: await Deno.readTextFile(key),
    });
    const garbage = await folder.write("garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n");
    const secret = await protectWithPassphrase(key);
    const wrong: readonly [TlsFiles, RegExp][] = [
      [
        { certificate: "/no", key },
        /^Cannot read the TLS certificate \/no: there is no such file\.$/,
      ],
      [{ certificate, key: "/no" }, /^Cannot read the TLS key \/no: there is no such file\.$/],
      [{ certificate: key, key }, /^Cannot use the TLS certificate .* no certificate in PEM\.$/],
      [
        { certificate: garbage, key },
        /^Cannot use the TLS certificate .*garbage: it holds no certificate in PEM\.$/,
      ],
      [{ certificate, key: garbage }, /^Cannot use the TLS key .*garbage: .* no private key in/],
      [
        { certificate, key: secret },
        /^Cannot use the TLS key .* or one that needs a passphrase\.$/,
      ],
      [
        { certificate: authority, key },
        /^Cannot use the TLS key .* does not fit the cert.*ca\.pem/,
      ],
    ];
    for (const [files, message] of wrong) assertThrows(() => readTlsCertificate(files), message);
  },
});

Deno.test({
  name: "the log warns of a certificate outside its dates",
  ...requires("openssl"),
  fn: async () => {
    await using folder = await TempDir.make();
    const certificate = readTlsCertificate(await makeCertificates(folder));
    const until = Date.parse(String(validityOf(certificate).until));
    const warningAt = (now: number) => {
      const lines: string[] = [];
      const log = createLogger("info", () => now, (line) => lines.push(line));
      warnOfDates(certificate, now, log);
      return lines.join("\n");
    };
    assertEquals(warningAt(until - DAY_MS), "");
    assertMatch(warningAt(until + 1000), / warn certificate has expired from=\S+ until=\S+Z$/);
    assertMatch(warningAt(until - 3 * DAY_MS), / warn certificate is not valid yet from=/);
  },
});
