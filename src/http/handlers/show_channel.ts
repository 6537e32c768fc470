import { joinPresences } from "../../hub/presence.ts";
import { formatId, seqTime } from "../../sse/log_position.ts";
import { checkName } from "../../requests/fields.ts";
import { answer } from "../answers.ts";
import type { RouteHandler } from "../router.ts";
import { type ListChannelsDeps, retainedFields } from "./list_channels.ts";
import { fromStore } from "./retained_channels.ts";

/** How many of its newest events are told of a channel. */
const NEWEST = 20;

/** `GET /channels/NAME`: one channel, which need not exist. It throws BadField and WorkerSilent. */
export function showChannelHandler(deps: ListChannelsDeps): RouteHandler {
  const { ask, retained: { inspector }, epoch } = deps;
  return async ({ name }) => {
    checkName("channel", name);
    const { users, anonymousStreams } = joinPresences(await ask("presence", name));
    const subscribers = users.reduce((sum, [, streams]) => sum + streams, anonymousStreams);
    const store = await fromStore(async () => ({
      details: await inspector.details([name]),
      newest: await inspector.newest(name, NEWEST),
    }));
    const [details, newest] = "failure" in store
      ? [undefined, undefined]
      : [store.found.details[0], store.found.newest];
    return answer(200, {
      name,
      subscribers,
      users: users.length,
      ...retainedFields(details, epoch()),
      newest: newest?.map(({ seq, user, bytes }) => ({
        id: formatId(seq, epoch()),
        time: new Date(seqTime(seq)).toISOString(),
        user,
        bytes,
      })) ?? null,
      ...("failure" in store && { store: store.failure }),
    });
  };
}
