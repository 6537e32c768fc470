import { toGrants } from "../../../src/auth/channel_grants.ts";
import type { Claims } from "../../../src/auth/claims.ts";
import { isSelected } from "../../../src/auth/stream_selection.ts";
import { assertEquals } from "../../support/assert.ts";

const STREAMS: Readonly<Record<string, Claims>> = {
  alex: { user: "alex", channels: ["chat", "news"], expiresAt: undefined },
  ann: { user: "ann", channels: ["orders.7"], expiresAt: undefined },
  "nobody's": { user: "*", channels: ["news"], expiresAt: undefined, isPublic: true },
};

function selected(user?: string, ...channels: readonly string[]): string {
  const selection = {
    ...(user !== undefined && { user }),
    ...(channels.length > 0 && { channels: toGrants(channels) }),
  };
  return Object.keys(STREAMS).filter((name) => isSelected(selection, STREAMS[name] as Claims))
    .join();
}

Deno.test("streams are selected by user, by channels and patterns, and by both", () => {
  assertEquals(selected(), "alex,ann,nobody's");
  assertEquals(selected("alex"), "alex");
  assertEquals(selected("*"), "", "a public stream has no user");
  assertEquals(selected(undefined, "news"), "alex,nobody's");
  assertEquals(selected(undefined, "orders.*", "chat"), "alex,ann");
  assertEquals(selected("ann", "news"), "");
  assertEquals(selected("alex", "other", "news"), "alex");
});
