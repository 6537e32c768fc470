import type { Receipt } from "../../broker/broker.ts";
import type { Audience } from "../../hub/audience.ts";
import type { Clock } from "../../lib/clock.ts";
import { shown } from "../../lib/shown_text.ts";
import type { ActivityLog } from "../../observability/activity_log.ts";
import type { Caller } from "../caller.ts";
import { joinNotes, type Note } from "../../requests/emit_note.ts";
import type { EmitRequest } from "../../requests/emit_request.ts";

/** What notes on emits are made of. */
export interface EmitNotesDeps {
  /** Who could hear an event for a user on a channel, of all hubs. */
  readonly audience: (channel: string, user: string) => Promise<Audience | undefined>;
  readonly clock: Clock;
  readonly activity: ActivityLog;
  /** Whether other servers publish to the same log: their streams are not known here. */
  readonly isStoreShared: boolean;
}

/** Looking for others who listen may take 0.5 ms: a busy publisher to nobody must not notice it. */
const SEARCHES_PER_SECOND = 100;

const WINDOW_MS = 1000;

/**
 * Notes to publishers whose emit was accepted, but may not be what they meant. Who listens instead is
 * looked up, as far as the caller may know, for at most 100 unheard emits a second; the others get no such note.
 */
export class EmitNotes {
  readonly #deps: EmitNotesDeps;
  /** On the steady clock. */
  #windowEnd = 0;
  #searchesLeft = 0;

  constructor(deps: EmitNotesDeps) {
    this.#deps = deps;
  }

  /** The note on a published emit, which is logged; `undefined` at once if there is nothing to say or log. */
  on(
    emit: EmitRequest,
    receipt: Receipt,
    caller: Caller,
  ): Promise<string | undefined> | undefined {
    const searches = receipt.subscribers === 0 && this.#takeSearch();
    const { detail } = this.#deps.activity;
    if (!searches && emit.note === undefined && detail === undefined) return undefined;
    return this.#make(emit, receipt, searches ? caller : undefined);
  }

  async #make(
    emit: EmitRequest,
    { id, subscribers }: Receipt,
    /** `undefined` for one who is not told who listens. */
    caller: Caller | undefined,
  ): Promise<string | undefined> {
    const { notice, detail } = this.#deps.activity;
    const note = joinNotes(
      emit.note,
      caller === undefined ? undefined : await this.#audienceNote(emit, caller),
    );
    const { channel, user } = emit;
    const fields = { channel, user, id, subscribers };
    if (note === undefined) detail?.("emitted", fields);
    else notice?.("emitted", { ...fields, note: note.logText });
    return note?.text;
  }

  async #audienceNote(
    { channel, user }: EmitRequest,
    caller: Caller,
  ): Promise<Note | undefined> {
    const audience = await this.#deps.audience(channel, user);
    // They came after the event, or the receipt is that of an earlier emit with the same key.
    if (audience === undefined || audience.matching > 0) return undefined;
    const { similarChannels, otherChannels } = audience;
    const sentence = describeAudience(channel, user, {
      ...audience,
      similarChannels: similarChannels.filter(({ channel }) => caller.mayKnowOf(channel)),
      otherChannels: otherChannels.filter((channel) => caller.mayKnowOf(channel)),
    });
    const text = this.#deps.isStoreShared
      ? `On this server ${sentence.replace(/^N/, "n")}`
      : sentence;
    return { text, logText: text };
  }

  #takeSearch(): boolean {
    const now = this.#deps.clock.steady();
    if (now >= this.#windowEnd) {
      this.#windowEnd = now + WINDOW_MS;
      this.#searchesLeft = SEARCHES_PER_SECOND;
    }
    if (this.#searchesLeft === 0) return false;
    this.#searchesLeft--;
    return true;
  }
}

/** A sentence on an event that no open stream matches: who listens instead. */
export function describeAudience(channel: string, user: string, audience: Audience): string {
  const { onChannel, similarChannels, otherChannels } = audience;
  const start = onChannel === 0
    ? `Nobody listens on ${shown(channel)}`
    : `${count(onChannel)} on ${shown(channel)}, none for ${shown(user)}`;
  const hints = similarChannels.map(({ channel, streams }) =>
    `${count(streams)} ${streams === 1 ? "is" : "are"} open on ${shown(channel)}`
  );
  if (hints.length === 0 && otherChannels.length > 0) {
    hints.push(`${shown(user)} listens on ${otherChannels.map(shown).join(", ")}`);
  }
  return `${[start, ...hints].join("; ")}.`;
}

function count(streams: number): string {
  return streams === 1 ? "1 stream" : `${streams} streams`;
}
