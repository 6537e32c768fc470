import type { StreamSelection } from "../../auth/stream_selection.ts";
import { WorkerSilent } from "../../lib/errors.ts";
import type { Logger } from "../../observability/logger.ts";
import { readDisconnectRequest } from "../../requests/disconnect_request.ts";
import { answer } from "../answers.ts";
import { contentTypeOf, readFields } from "../body.ts";
import type { BodyLimits } from "../body_limits.ts";
import type { RouteHandler } from "../router.ts";

/** What ending streams works with. */
export interface DisconnectDeps {
  /** Ends streams, and returns how many in each hub; `undefined` if one did not answer in time. */
  readonly disconnect: (selection: StreamSelection) => Promise<readonly number[] | undefined>;
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
    const counts = await disconnect(selection);
    const streams = counts?.reduce((sum, count) => sum + count, 0);
    logger.info("streams disconnected", {
      ...(selection.user !== undefined && { user: selection.user }),
      ...(selection.channels && { channel: fields.all("channel") }),
      ...(streams !== undefined && { streams }),
      ...(keyName && { key: keyName }),
    });
    if (streams !== undefined) return answer(200, { streamsEnded: streams });
    throw new WorkerSilent(
      "Cannot tell how many streams have ended: a thread did not answer in time. Repeat it.",
    );
  };
}
