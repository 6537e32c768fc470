import { joinCounts } from "../../hub/channel_counts.ts";
import { compare } from "../../lib/first_items.ts";
import { checkName } from "../../requests/fields.ts";
import { answer } from "../answers.ts";
import type { RouteHandler } from "../router.ts";
import type { AskHubs } from "./hub_questions.ts";
import { findStreams } from "./list_streams.ts";
import { fromStore, type RetainedChannels } from "./retained_channels.ts";

/** What the answer about a user works with. */
export interface ShowUserDeps {
  readonly ask: AskHubs;
  readonly retained: RetainedChannels;
}

/** The most streams, and the most channels, that are listed; all are counted. */
const MOST = 100;

/** `GET /users/NAME`: one user, who need not be known. It throws BadField and WorkerSilent. */
export function showUserHandler({ ask, retained }: ShowUserDeps): RouteHandler {
  return async ({ name }) => {
    checkName("user", name);
    const sort = { by: "since", descending: false } as const;
    const streams = await findStreams(ask, { user: name }, { sort, offset: 0, limit: MOST });
    const heard = joinCounts(await ask("countStreamsOf", name));
    const store = await fromStore(() => countRetained(retained, name));
    const counts = "failure" in store ? undefined : store.found;
    return answer(200, {
      user: name,
      streamCount: streams.total,
      streams: streams.items,
      channelCount: heard.size,
      channels: byCount(heard).map(([name, streams]) => ({ name, streams })),
      retainedEvents: counts?.values().reduce((sum, events) => sum + events, 0) ?? null,
      retainedIn: counts && byCount(counts).map(([name, events]) => ({ name, events })) || null,
      ...("failure" in store && { store: store.failure }),
    });
  };
}

/** How many events for a user alone each channel retains, where it does. @throws StoreUnavailable */
async function countRetained(
  retained: RetainedChannels,
  user: string,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  await retained.visit(async (part) => {
    const names = part.map(({ name }) => name);
    const events = await retained.inspector.countFor(user, names);
    names.forEach((name, index) => {
      if (events[index]) counts.set(name, events[index]);
    });
  });
  return counts;
}

/** The first of some channels, those with the most first. */
function byCount(counts: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...counts].sort(([name, count], [otherName, otherCount]) =>
    otherCount - count || compare(name, otherName)
  ).slice(0, MOST);
}
