import { EVERYONE } from "../../auth/subscription.ts";
import type { Broker } from "../../broker/broker.ts";
import { BadField, WorkerSilent } from "../../lib/errors.ts";
import type { Logger } from "../../observability/logger.ts";
import { checkName } from "../../requests/fields.ts";
import { answer } from "../answers.ts";
import type { RouteHandler } from "../router.ts";

/** What removing history works with. */
export interface RemoveHistoryDeps {
  readonly broker: Broker;
  readonly logger: Logger;
  /** Resolves once every hub has taken what the broker has told it; to false if one has not in time. */
  readonly taken: () => Promise<boolean>;
}

/**
 * `DELETE /channels/NAME/history` and `DELETE /users/NAME/history`: removes what is retained of a channel,
 * or for a user on all channels. The answer comes when all is gone, and says how many events that were. It throws BadField, StoreUnavailable and
 * WorkerSilent.
 */
export function removeHistoryHandler(
  kind: "channel" | "user",
  { broker, logger, taken }: RemoveHistoryDeps,
): RouteHandler {
  return async ({ query, name, caller: { keyName } }) => {
    refuseFields(query);
    checkName(kind, name);
    if (kind === "user" && name === EVERYONE) {
      throw new BadField(
        "user",
        `Bad user ${EVERYONE}: it stands for everyone. Remove the history of channels instead.`,
      );
    }
    const removed = await broker.removeHistory(
      kind === "channel" ? { channel: name } : { user: name },
    );
    const isGone = await taken();
    logger.info("history removed", {
      [kind]: name,
      events: removed,
      ...(keyName && { key: keyName }),
    });
    if (isGone) return answer(200, { [kind]: name, removed });
    throw new WorkerSilent(
      `${removed} events were removed from the store, but a worker does not answer, and may still have them. Repeat it.`,
    );
  };
}

/** @throws BadField */
function refuseFields(query: URLSearchParams | undefined): void {
  for (const field of query?.keys() ?? []) {
    throw new BadField(
      field,
      `Bad field ${field}: removing history takes no fields, and always removes all of it.`,
    );
  }
}
