/** HTTPS and HTTP/2 without a proxy: many tabs of one browser, and certificates that change while streams go on. */
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { makeCertificates, readCertificate } from "../support/certificates.ts";
import { TestBrowser } from "../support/chromium.ts";
import { EventSourcePage, PageOrigin } from "../support/event_source_page.ts";
import { assertOnlyLogLines } from "../support/log_lines.ts";
import { type Server, startServer } from "../support/server.ts";
import { runServerCommand, withDefaults } from "../support/server_command.ts";
import { openStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const TABS = 20;

const CHAT = { userId: "alex", channel: "chat" };

Deno.test({
  name:
    `${TABS} tabs of one Chromium receive events at the same time, and while the certificate changes`,
  ...requires("chromium", "openssl"),
  async fn() {
    await using folder = await TempDir.make();
    await using otherFolder = await TempDir.make();
    const certificates = await makeCertificates(folder);
    const others = await makeCertificates(otherFolder);
    const { certificate, key } = certificates;
    await using site = new PageOrigin(await readCertificate(certificates));
    const tls = ["-tls-cert", certificate, "-tls-key", key];
    await using server = await startServer([...tls, "-cors", site.origin]);
    await using browser = await TestBrowser.launch();
    const profile = await browser.newProfile();
    const address = server.eventsUrlWith(await server.token(CHAT));
    assertMatch(address, /^https:/);
    // The seventh would wait here for one of six connections to end, were it HTTP/1.1.
    const open = () => EventSourcePage.open(profile, site, address);
    const tabs = await Promise.all(Array.from({ length: TABS }, open));
    await server.emit({ ...CHAT, data: "to every tab" });
    for (const tab of tabs) await tab.waitForCount(1);

    await Deno.copyFile(others.certificate, certificate);
    await Deno.copyFile(others.key, key);
    server.signal("SIGHUP");
    await server.log.waitFor(/ info certificate reread /);
    await server.emit({ ...CHAT, data: "with another certificate" });
    for (const tab of tabs) await tab.waitForCount(2);
    assert(!/ stream ended /.test(server.log.text), server.log.text);
  },
});

/** Whether the server shows the certificate of one authority, and of none else. */
async function shows(server: Server, authority: string): Promise<boolean> {
  using client = Deno.createHttpClient({ caCerts: [authority], poolMaxIdlePerHost: 0 });
  try {
    return await (await fetch(`${server.clientOrigin}/livez`, { client })).text() === "live\n";
  } catch {
    return false;
  }
}

for (const workers of ["1", "3"]) {
  Deno.test({
    name: `SIGHUP shows another certificate and ends no stream, with ${workers} workers`,
    ...requires("openssl"),
    async fn() {
      await using folder = await TempDir.make();
      await using otherFolder = await TempDir.make();
      const files = await makeCertificates(folder);
      const others = await makeCertificates(otherFolder);
      const authority = await Deno.readTextFile(files.authority);
      const otherAuthority = await Deno.readTextFile(others.authority);
      const tls = ["-tls-cert", files.certificate, "-tls-key", files.key];
      await using server = await startServer([...tls, "-workers", workers]);
      const token = await server.token(CHAT);
      await using streams = new AsyncDisposableStack();
      const open = async (caCerts: readonly string[]) =>
        streams.use(await openStream(server.eventsUrl, { token, caCerts }));
      const before = await Promise.all(Array.from({ length: 6 }, () => open([authority])));

      await Deno.copyFile(others.certificate, files.certificate);
      server.signal("SIGHUP");
      await server.log.waitFor(
        / error certificate not reread, the old one stays .* does not fit the certificate /,
      );
      assert(await shows(server, authority));

      await Deno.copyFile(others.key, files.key);
      server.signal("SIGHUP");
      await server.log.waitFor(/ info certificate reread until=\d{4}-\S+Z$/m);
      await waitFor("every thread to show the new certificate", async () => {
        const shown = await Promise.all(
          Array.from({ length: 12 }, () => shows(server, otherAuthority)),
        );
        return shown.every((isNew) => isNew);
      });
      const after = await Promise.all(Array.from({ length: 6 }, () => open([otherAuthority])));
      assertEquals((await server.emit({ ...CHAT, data: "1" })).subscribers, 12);
      for (const stream of [...before, ...after]) {
        assertEquals([(await stream.next()).data, stream.end], ["1", undefined]);
      }
      assertOnlyLogLines(server);
      assertEquals(await server.stop(), 0);
      for (const stream of [...before, ...after]) {
        assertEquals(await stream.waitForEnd(), "clean");
      }
    },
  });
}

Deno.test({
  name: "a certificate that cannot be used ends the start with the reason",
  ...requires("openssl"),
  async fn() {
    await using folder = await TempDir.make();
    const { certificate, key, authority } = await makeCertificates(folder);
    const start = (tls: readonly string[]) => runServerCommand(withDefaults(tls));
    const wrongKey = await start(["-tls-cert", authority, "-tls-key", key]);
    assertEquals(wrongKey.code, 1);
    assertMatch(
      wrongKey.stderr,
      /^sse-server: Cannot use the TLS key .* does not fit the cert.*$/,
    );
    const noKey = await start(["-tls-cert", certificate]);
    assertEquals([noKey.code, noKey.stderr], [
      2,
      "sse-server: Give -tls-cert and -tls-key together.",
    ]);
  },
});

Deno.test({
  name: "with a certificate -dev prints addresses with https, and its demo page may emit",
  ...requires("chromium", "openssl"),
  async fn() {
    await using folder = await TempDir.make();
    const { certificate, key } = await makeCertificates(folder);
    const tls = ["-tls-cert", certificate, "-tls-key", key];
    await using server = await startServer(["-dev", ...tls]);
    const [, address = ""] = await server.stdout.waitFor(/Try it in a browser (https:\S+)$/);
    await server.stdout.waitFor(/^Clients connect to {2}https:\S+\/events\/$/);
    await server.stdout.waitFor(/^Back ends post to {3}http:\S+\/emit\/ and http:/);
    await using browser = await TestBrowser.launch();
    const { page } = await browser.open(address);
    await page.getByText("Connected").first().waitFor();
    await page.getByRole("button", { name: "Emit" }).click();
    await page.locator("ol > li").first().waitFor();
  },
});
