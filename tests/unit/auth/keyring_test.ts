import { Keyring } from "../../../src/auth/keyring.ts";
import { unobserved } from "../../../src/auth/key_observer.ts";
import { parseToken } from "../../../src/auth/signed_token.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { IssuerKey } from "../../support/issuer_key.ts";
import { KeySetServer } from "../../support/key_set_server.ts";

Deno.test("a token does not wait for the issuer of other keys", async () => {
  const key = new IssuerKey();
  await using good = KeySetServer.start(key);
  const asked = Promise.withResolvers<void>();
  const hangs = Promise.withResolvers<Response>();
  await using silent = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
    asked.resolve();
    return hangs.promise;
  });
  const keySetUrls = [`http://127.0.0.1:${silent.addr.port}/`, good.url];
  const material = { secrets: [], publicKeys: [], keySets: [], keySetUrls };
  const keyring = new Keyring(material, new FakeClock(), unobserved);
  await asked.promise;
  const verdict = await keyring.verify(parseToken(key.token({ sub: "alex" })));
  assertEquals(typeof verdict, "string");
  assert(keyring.missingReasons.length > 0, "the silent issuer has answered");
  keyring.close();
  hangs.resolve(new Response("{}"));
});
