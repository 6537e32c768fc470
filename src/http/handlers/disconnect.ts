import type { StreamSelection } from "../../auth/stream_selection.ts";
import type { Logger } from "../../observability/logger.ts";
import { readDisconnectRequest } from "../../requests/disconnect_request.ts";
import { answer } from "../answers.ts";
import { contentTypeOf, readFields } from "../body.ts";
import type { BodyLimits } from "../body_limits.ts";
import type { RouteHandler } from "../router.ts";

/** What ending streams works with. */
export interface DisconnectDeps {
  /** Ends streams, and returns how many in each hub; throws WorkerSilent if one did not answer in time. */
  readonly disconnect: (selection: StreamSelection) => Promise<readonly number[]>;
  readonly bodyLimits: BodyLimits;
  readonly logger: Logger;
}

/** `POST /disconnect/`: ends streams of this server, whose clients may come back, here or to another one. */
export function disconnectHandler(
  { disconnect, bodyLimits, logger }: DisconnectDeps,
): RouteHandler {
  return async ({ request, query, caller: { keyName } }) => {
    const fields = await readFields(request, contentTypeOf(request), query, bodyLimits);
    const selection = readDisconnectRequest(fields);
    let streams: number | undefined;
    try {
      const counts = await disconnect(selection);
      streams = counts.reduce((sum, count) => sum + count, 0);
      return answer(200, { streamsEnded: streams });
    } finally {
      // Also where a thread is silent: the others have ended theirs.
      logger.info("streams disconnected", {
        ...(selection.user !== undefined && { user: selection.user }),
        ...(selection.channels && { channel: fields.all("channel") }),
        ...(streams !== undefined && { streams }),
        ...(keyName && { key: keyName }),
      });
    }
  };
}
