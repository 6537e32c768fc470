/** PHP back ends of the Go program, calling this server exactly as they called that one. */
import { assertEquals, assertMatch } from "../support/assert.ts";
import { runPhp } from "../support/php.ts";
import { startServer } from "../support/server.ts";
import { openStream } from "../support/sse_client.ts";
import { requires } from "../support/tools.ts";

/** Posts an array, which curl sends as multipart/form-data: what the Go program's callers do. */
const POST_ARRAY = `<?php
function call_sse($url, $fields) {
    $curl = curl_init($url);
    curl_setopt($curl, CURLOPT_POST, true);
    curl_setopt($curl, CURLOPT_POSTFIELDS, $fields);
    curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
    $answer = curl_exec($curl);
    if ($answer === false) {
        fwrite(STDERR, curl_error($curl));
        exit(1);
    }
    echo curl_getinfo($curl, CURLINFO_RESPONSE_CODE), ' ', $answer;
    curl_close($curl);
}
call_sse($argv[1], json_decode($argv[2], true));
`;

/** The same with the array turned into a query string, which curl sends as application/x-www-form-urlencoded. */
const POST_URLENCODED = POST_ARRAY.replace(
  "CURLOPT_POSTFIELDS, $fields",
  "CURLOPT_POSTFIELDS, http_build_query($fields)",
);

const PAYLOADS: readonly { name: string; payload: string; data: string }[] = [
  {
    name: "one line of JSON",
    payload: 'event: message\ndata: {"text":"Grüße, 100% & more"}\n',
    data: '{"text":"Grüße, 100% & more"}',
  },
  { name: "no line end", payload: "data: bare", data: "bare" },
  {
    name: "CRLF line ends",
    payload: "data: first\r\ndata: second\r\n\r\n",
    data: "first\nsecond",
  },
  // curl asks `Expect: 100-continue` before it sends a body this long.
  {
    name: "a payload of a million bytes",
    payload: `data: ${"x".repeat(1_000_000)}\n`,
    data: "x".repeat(1_000_000),
  },
];

for (
  const [form, script] of [
    ["an array in CURLOPT_POSTFIELDS", POST_ARRAY],
    ["http_build_query in CURLOPT_POSTFIELDS", POST_URLENCODED],
  ] as const
) {
  Deno.test({
    name: `PHP gets a token and emits with ${form}`,
    ...requires("php"),
    async fn(test) {
      await using server = await startServer(["-max-payload", "2097152"]);
      const call = async (path: string, fields: Record<string, unknown>) => {
        // An argument cannot hold a million bytes.
        const source = script.replace(
          "$argv[2]",
          () => `<<<'JSON'\n${JSON.stringify(fields)}\nJSON`,
        );
        return await runPhp(source, [server.controlOrigin + path]);
      };
      const answer = await call("/token/", {
        userId: "alex",
        channel: "chat",
        exp: 86400,
      });
      assertMatch(answer, /^200 [\w-]+\.[\w-]+\.[\w-]+$/);
      await using stream = await openStream(server.eventsUrl, {
        token: answer.slice("200 ".length),
      });
      for (const { name, payload, data } of PAYLOADS) {
        await test.step(name, async () => {
          const fields = { userId: "alex", channel: "chat", payload };
          assertEquals(await call("/emit/", fields), "200 OK");
          const event = await stream.next();
          assertEquals(event.event, "message");
          assertEquals(event.data === data, true, "the data that arrived");
        });
      }
    },
  });
}
