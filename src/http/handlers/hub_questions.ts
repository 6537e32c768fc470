import type { Hub } from "../../hub/hub.ts";
import type { HubInspector } from "../../hub/hub_inspector.ts";

/** What lists ask of each hub. */
type HubQuestions =
  & Pick<HubInspector, "rankStreams" | "streamDetails" | "countStreams" | "countStreamsOf">
  & Pick<Hub, "presence">;

/** Asks each hub of this server; throws WorkerSilent if one does not answer. */
export type AskHubs = <Name extends keyof HubQuestions>(
  name: Name,
  ...args: Parameters<HubQuestions[Name]>
) => Promise<readonly Awaited<ReturnType<HubQuestions[Name]>>[]>;
