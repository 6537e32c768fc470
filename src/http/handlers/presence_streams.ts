import type { PresentUser } from "../../hub/presence.ts";
import type { Clock } from "../../lib/clock.ts";
import { unlessSilent } from "../../lib/unless_silent.ts";
import type { Caller } from "../caller.ts";
import type { ControlStream, ControlStreams } from "./control_streams.ts";
import { type PresenceChanges, PresenceFeed } from "./presence_feed.ts";
import type { PresenceReport } from "./presence_report.ts";

/** How often a channel is looked at while somebody follows it. */
const LOOK_MS = 1000;

/** What streams of presence work with. */
export interface PresenceStreamsDeps {
  /** Throws WorkerSilent if it cannot be told now. */
  readonly presence: (channel: string) => Promise<PresenceReport>;
  readonly controlStreams: ControlStreams;
  readonly clock: Clock;
}

/** The streams that follow who is on a channel. One look a second serves all streams of a channel. */
export class PresenceStreams {
  readonly #deps: PresenceStreamsDeps;
  readonly #channels = new Map<string, FollowedChannel>();
  #looks = 0;

  constructor(deps: PresenceStreamsDeps) {
    this.#deps = deps;
  }

  /** Opens a stream. @throws WorkerSilent if it cannot be told now who is on the channel. */
  async open(caller: Caller, channel: string, graceMs: number): Promise<Response> {
    const look = await this.#look(channel);
    // In one turn from here on: whoever looks meanwhile finds the same channel.
    const followed = this.#channels.get(channel) ??
      new FollowedChannel(channel, this.#deps.clock, () => this.#look(channel));
    return this.#follow(followed, look, caller, graceMs);
  }

  #follow(channel: FollowedChannel, look: Look, caller: Caller, graceMs: number): Response {
    const stream = this.#deps.controlStreams.open(caller, () => {
      remove();
      if (channel.isEmpty) this.#channels.delete(channel.name);
    });
    this.#channels.set(channel.name, channel);
    channel.take(look);
    const remove = channel.add(stream, graceMs);
    return stream.response;
  }

  async #look(channel: string): Promise<Look> {
    const number = ++this.#looks;
    return { number, report: await this.#deps.presence(channel) };
  }
}

/** What was found, and when it was looked for: a later look has a higher number. */
interface Look {
  readonly number: number;
  readonly report: PresenceReport;
}

interface Reader {
  readonly stream: ControlStream;
  /** Whether its client had no room for a look, and so may have missed something. */
  hasMissed: boolean;
}

/** A channel that streams follow; while there are any, it is looked at once a second. */
class FollowedChannel {
  readonly name: string;
  readonly #clock: Clock;
  readonly #look: () => Promise<Look>;
  readonly #feed = new PresenceFeed();
  /** By grace time. */
  readonly #groups = new Map<number, Set<Reader>>();
  #last: Look | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(name: string, clock: Clock, look: () => Promise<Look>) {
    this.name = name;
    this.#clock = clock;
    this.#look = look;
  }

  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  /** Takes what a look has found, unless a later one has come before it. */
  take(look: Look): void {
    const last = this.#last;
    if (last !== undefined && look.number < last.number) return;
    this.#last = look;
    const { users, unanswered } = look.report;
    const isSame = String(unanswered) === String(last?.report.unanswered);
    this.#feed.update(users, this.#clock.steady());
    for (const [graceMs, readers] of this.#groups) {
      const changes = this.#feed.changes(graceMs);
      for (const reader of readers) {
        this.#tell(reader, graceMs, changes, isSame ? undefined : unanswered);
      }
    }
  }

  /** Begins a stream; returns what ends that. */
  add(stream: ControlStream, graceMs: number): () => void {
    const readers = this.#groups.get(graceMs) ?? new Set();
    this.#groups.set(graceMs, readers);
    const reader: Reader = { stream, hasMissed: false };
    readers.add(reader);
    this.#sendState(stream, graceMs);
    this.#timer ??= setTimeout(() => this.#lookAgain(), LOOK_MS);
    return () => {
      readers.delete(reader);
      if (readers.size === 0) this.#groups.delete(graceMs);
      if (!this.isEmpty) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  async #lookAgain(): Promise<void> {
    const look = await unlessSilent(this.#look());
    if (look !== undefined) this.take(look);
    if (!this.isEmpty) this.#timer = setTimeout(() => this.#lookAgain(), LOOK_MS);
  }

  /** @param unanswered set if it has changed. */
  #tell(
    reader: Reader,
    graceMs: number,
    { joined, left }: PresenceChanges,
    unanswered: readonly string[] | undefined,
  ): void {
    const { stream } = reader;
    if (!stream.hasRoom) {
      // It is told all anew once it has room.
      reader.hasMissed = true;
      return;
    }
    if (reader.hasMissed) {
      reader.hasMissed = false;
      return this.#sendState(stream, graceMs);
    }
    const channel = this.name;
    for (const present of joined) stream.send("join", { channel, ...describe(present) });
    for (const user of left) stream.send("leave", { channel, user });
    if (unanswered !== undefined) stream.send("unanswered", { channel, unanswered });
  }

  #sendState(stream: ControlStream, graceMs: number): void {
    const unanswered = this.#last?.report.unanswered ?? [];
    stream.send("state", {
      channel: this.name,
      users: this.#feed.users(graceMs).map(describe),
      ...(unanswered.length > 0 && { unanswered }),
    });
  }
}

function describe([user, , since]: PresentUser) {
  return { user, since: new Date(since).toISOString() };
}
