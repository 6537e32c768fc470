import type { Broker } from "../../broker/broker.ts";
import type { RouteHandler } from "../router.ts";
import type { AskHubs } from "./hub_questions.ts";
import { listChannelsHandler } from "./list_channels.ts";
import { listStreamsHandler } from "./list_streams.ts";
import { RetainedChannels } from "./retained_channels.ts";
import { showChannelHandler } from "./show_channel.ts";
import { showUserHandler } from "./show_user.ts";

/** What looking at channels, users and streams works with. */
export interface LookDeps {
  readonly askHubs: AskHubs;
  readonly broker: Broker;
}

/** The handlers that tell of channels, users and streams. */
export interface LookHandlers {
  readonly channels: RouteHandler;
  readonly channel: RouteHandler;
  readonly user: RouteHandler;
  readonly streams: RouteHandler;
}

/** Makes the handlers that tell of the channels, users and streams of this server. */
export function lookHandlers({ askHubs: ask, broker }: LookDeps): LookHandlers {
  const retained = new RetainedChannels(broker.inspector);
  const deps = { ask, retained, epoch: () => broker.head.epoch };
  return {
    channels: listChannelsHandler(deps),
    channel: showChannelHandler(deps),
    user: showUserHandler(deps),
    streams: listStreamsHandler(ask),
  };
}
