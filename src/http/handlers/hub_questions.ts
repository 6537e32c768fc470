import type { Hub } from "../../hub/hub.ts";
import type { HubInspector } from "../../hub/hub_inspector.ts";
import { WorkerSilent } from "../../lib/errors.ts";

/** What lists ask of each hub. */
type HubQuestions =
  & Pick<HubInspector, "rankStreams" | "streamDetails" | "countStreams" | "countStreamsOf">
  & Pick<Hub, "presence">;

type Answer<Name extends keyof HubQuestions> = Awaited<ReturnType<HubQuestions[Name]>>;

/** Asks each hub of this server; `undefined` if one does not answer. */
export type AskHubs = <Name extends keyof HubQuestions>(
  name: Name,
  ...args: Parameters<HubQuestions[Name]>
) => Promise<readonly Answer<Name>[] | undefined>;

/** Asks each hub of this server. @throws WorkerSilent if one does not answer: the others are not the whole. */
export async function askAll<Name extends keyof HubQuestions>(
  ask: AskHubs,
  name: Name,
  ...args: Parameters<HubQuestions[Name]>
): Promise<readonly Answer<Name>[]> {
  const answers = await ask(name, ...args);
  if (answers !== undefined) return answers;
  throw new WorkerSilent("Cannot look at the streams: a worker of this server does not answer.");
}
