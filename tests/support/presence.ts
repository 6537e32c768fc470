/**
 * Who a server says is on a channel: its list, and the stream of those who join and leave.
 *
 * @module
 */
import type { Server } from "./server.ts";
import { openStream, type SseStream } from "./sse_client.ts";

/** The answer to `GET /presence/`. */
export interface PresenceList {
  readonly items: readonly { readonly user: string; readonly streams: number }[];
  readonly total: number;
  readonly anonymousStreams: number;
  readonly unanswered?: readonly string[];
}

/** Asks a server. @throws {Error} with what it answered, if that is no list. */
export async function presenceOf(server: Server, channel = "chat"): Promise<PresenceList> {
  const response = await server.control(`/presence/?channel=${channel}&limit=1000`);
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  throw new Error(`GET /presence/ answered ${response.status}: ${text}`);
}

/** The users of a list and their streams, such as `alex 2, sam 1`, and `unanswered` and how many those are. */
export function summaryOf({ items, unanswered = [] }: PresenceList): string {
  const users = items.map(({ user, streams }) => `${user} ${streams}`).join(", ");
  return unanswered.length === 0 ? users : `${users}; ${unanswered.length} unanswered`;
}

/** A stream of those who join and leave, and what a client makes of it. */
export class PresenceFollower implements AsyncDisposable {
  readonly stream: SseStream;

  private constructor(stream: SseStream) {
    this.stream = stream;
  }

  /** Opens the stream and waits for the state that it begins with. */
  static async open(server: Server, query = ""): Promise<PresenceFollower> {
    const follower = new PresenceFollower(
      await openStream(`${server.controlOrigin}/presence/?channel=chat${query}`, {
        headers: { Accept: "text/event-stream" },
      }),
    );
    await follower.stream.waitForCount(1);
    return follower;
  }

  /** The joins and leaves so far, such as `join alex`. */
  get changes(): readonly string[] {
    return this.stream.events.filter(({ event }) => event === "join" || event === "leave")
      .map(({ event, data }) => `${event} ${JSON.parse(data).user}`);
  }

  /** How many servers did not answer, each time that has changed. */
  get unanswered(): readonly number[] {
    return this.stream.events.filter(({ event }) => event === "unanswered")
      .map(({ data }) => JSON.parse(data).unanswered.length);
  }

  /** The users who are there by all that came, sorted. */
  get users(): string {
    let users = new Set<string>();
    for (const { event, data } of this.stream.events) {
      const told = JSON.parse(data);
      if (event === "join") users.add(told.user);
      else if (event === "leave") users.delete(told.user);
      else if (event === "state") {
        users = new Set(told.users.map(({ user }: { readonly user: string }) => user));
      }
    }
    return [...users].toSorted().join(" ");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stream[Symbol.asyncDispose]();
  }
}
