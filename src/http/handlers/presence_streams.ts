import type { PresentUser } from "../../hub/presence.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Caller } from "../caller.ts";
import type { ControlStream, ControlStreams } from "./control_streams.ts";
import { type PresenceChanges, PresenceFeed } from "./presence_feed.ts";
import type { PresenceReport } from "./presence_report.ts";

/** How often a channel is looked at while somebody follows it. */
const LOOK_MS = 1000;

/** A stream whose client takes nothing for this long is ended. */
const LONGEST_BLOCKED_MS = 60_000;

/** What streams of presence work with. */
export interface PresenceStreamsDeps {
  /** `undefined` if it cannot be told now. */
  readonly presence: (channel: string) => Promise<PresenceReport | undefined>;
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

  /** Opens a stream; `undefined` if it cannot be told now who is on the channel. */
  async open(caller: Caller, channel: string, graceMs: number): Promise<Response | undefined> {
    const look = await this.#look(channel);
    if (look === undefined) return undefined;
    // In one turn from here on: whoever looks meanwhile finds the same channel.
    let followed = this.#channels.get(channel);
    if (followed === undefined) {
      followed = new FollowedChannel(channel, this.#deps.clock, () => this.#look(channel));
      this.#channels.set(channel, followed);
    }
    return this.#follow(followed, look, caller, graceMs);
  }

  #follow(channel: FollowedChannel, look: Look, caller: Caller, graceMs: number): Response {
    channel.take(look);
    const stream = this.#deps.controlStreams.open(caller, () => {
      remove();
      if (channel.isEmpty) this.#channels.delete(channel.name);
    });
    const remove = channel.add(stream, graceMs);
    return stream.response;
  }

  async #look(channel: string): Promise<Look | undefined> {
    const number = ++this.#looks;
    const report = await this.#deps.presence(channel);
    return report && { number, report };
  }
}

/** What was found, and when it was looked for: a later look has a higher number. */
interface Look {
  readonly number: number;
  readonly report: PresenceReport;
}

interface Reader {
  readonly stream: ControlStream;
  /** Since when its client has no room for more, on the steady clock: it has missed something. */
  blockedSince: number | undefined;
}

/** The streams with one grace time. */
interface Group {
  readonly feed: PresenceFeed;
  readonly readers: Set<Reader>;
}

/** A channel that streams follow; while there are any, it is looked at once a second. */
class FollowedChannel {
  readonly name: string;
  readonly #clock: Clock;
  readonly #look: () => Promise<Look | undefined>;
  /** By grace time. */
  readonly #groups = new Map<number, Group>();
  #last: Look | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(name: string, clock: Clock, look: () => Promise<Look | undefined>) {
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
    const now = this.#clock.steady();
    for (const { feed, readers } of this.#groups.values()) {
      const changes = feed.update(users, now);
      for (const reader of readers) {
        this.#tell(reader, feed, changes, isSame ? undefined : unanswered);
      }
    }
  }

  /** Begins a stream; returns what ends that. */
  add(stream: ControlStream, graceMs: number): () => void {
    let group = this.#groups.get(graceMs);
    if (group === undefined) {
      group = { feed: new PresenceFeed(graceMs), readers: new Set() };
      group.feed.update(this.#last?.report.users ?? [], this.#clock.steady());
      this.#groups.set(graceMs, group);
    }
    const { feed, readers } = group;
    const reader: Reader = { stream, blockedSince: undefined };
    readers.add(reader);
    this.#sendState(stream, feed);
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
    const look = await this.#look();
    if (look !== undefined) this.take(look);
    if (!this.isEmpty) this.#timer = setTimeout(() => this.#lookAgain(), LOOK_MS);
  }

  /** @param unanswered set if it has changed. */
  #tell(
    reader: Reader,
    feed: PresenceFeed,
    { joined, left }: PresenceChanges,
    unanswered: readonly string[] | undefined,
  ): void {
    const { stream } = reader;
    if (!stream.hasRoom) return this.#skip(reader);
    if (reader.blockedSince !== undefined) {
      reader.blockedSince = undefined;
      return this.#sendState(stream, feed);
    }
    const channel = this.name;
    for (const present of joined) stream.send("join", { channel, ...describe(present) });
    for (const user of left) stream.send("leave", { channel, user });
    if (unanswered !== undefined) stream.send("unanswered", { channel, unanswered });
  }

  /** What a client has no room for it is told anew once it has, but it is not waited for without end. */
  #skip(reader: Reader): void {
    const now = this.#clock.steady();
    reader.blockedSince ??= now;
    if (now - reader.blockedSince > LONGEST_BLOCKED_MS) reader.stream.end();
  }

  #sendState(stream: ControlStream, { users }: PresenceFeed): void {
    const unanswered = this.#last?.report.unanswered ?? [];
    stream.send("state", {
      channel: this.name,
      users: users.map(describe),
      ...(unanswered.length > 0 && { unanswered }),
    });
  }
}

function describe([user, , since]: PresentUser) {
  return { user, since: new Date(since).toISOString() };
}
