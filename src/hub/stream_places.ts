import type { Claims } from "../auth/claims.ts";
import { networkOf } from "../lib/client_network.ts";
import type { ClientOrigin } from "./client_origin.ts";
import type { DisconnectReason } from "./disconnect_reason.ts";
import type { StreamObserver } from "./stream_observer.ts";
import type { Subscriber } from "./subscriber.ts";

/** How many streams may be open at a time; Infinity for no limit. Plain data. */
export interface StreamLimits {
  readonly perUser: number;
  /** See `networkOf` for what counts as one address. */
  readonly perAddress: number;
}

/** The limit for which a stream gets no place. */
export type ExceededLimit = Extract<
  DisconnectReason,
  "over the user limit" | "over the address limit"
>;

/** Whose places a stream takes: plain data. What is not limited, or not known, is `undefined`. */
export interface StreamOwner {
  readonly user: string | undefined;
  /** See `networkOf`. */
  readonly network: string | undefined;
}

/** Counts the places that are taken, in all threads of the server. */
export interface PlaceCounts {
  /** Takes a place, unless there is none; in another thread, the answer comes later. */
  take(owner: StreamOwner): ExceededLimit | undefined | Promise<ExceededLimit | undefined>;
  /** Gives back a place that was taken. */
  giveBack(owner: StreamOwner): void;
}

/**
 * The places of a hub's streams. A stream has its place before it opens, and gives it back as it ends. (It
 * observes the hub for that.)
 */
export class StreamPlaces implements StreamObserver {
  readonly #limits: StreamLimits;
  readonly #counts: PlaceCounts;

  private constructor(limits: StreamLimits, counts: PlaceCounts) {
    this.#limits = limits;
    this.#counts = counts;
  }

  /**
   * The places by these limits; `undefined` if nothing is limited.
   *
   * @param counts where they are counted. Default: in this thread alone.
   */
  static by(
    limits: StreamLimits,
    counts: PlaceCounts = new PlaceTable(limits).connect(),
  ): StreamPlaces | undefined {
    const isLimited = Number.isFinite(limits.perUser) || Number.isFinite(limits.perAddress);
    return isLimited ? new StreamPlaces(limits, counts) : undefined;
  }

  /** Takes a place for a stream that is to open; tells why if there is none. */
  take(
    claims: Claims,
    origin: ClientOrigin | undefined,
  ): ExceededLimit | undefined | Promise<ExceededLimit | undefined> {
    const owner = this.#ownerOf(claims, origin);
    return owner === undefined ? undefined : this.#counts.take(owner);
  }

  /** Gives back the place of a stream that has ended, or did not open. */
  giveBack(claims: Claims, origin: ClientOrigin | undefined): void {
    const owner = this.#ownerOf(claims, origin);
    if (owner !== undefined) this.#counts.giveBack(owner);
  }

  /** See `StreamObserver.ended`. */
  ended({ claims, origin }: Subscriber): void {
    this.giveBack(claims, origin);
  }

  #ownerOf({ user, isPublic }: Claims, origin: ClientOrigin | undefined): StreamOwner | undefined {
    const { perUser, perAddress } = this.#limits;
    const owner = {
      // A stream without a token has no user.
      user: Number.isFinite(perUser) && !isPublic ? user : undefined,
      network: Number.isFinite(perAddress) && origin ? networkOf(origin.address) : undefined,
    };
    return owner.user === undefined && owner.network === undefined ? undefined : owner;
  }
}

/** The counts of all threads, in the one that has them all; the threads of a server come and go. */
export class PlaceTable {
  readonly #limits: StreamLimits;
  readonly #threads = new Set<ThreadPlaces>();

  constructor(limits: StreamLimits) {
    this.#limits = limits;
  }

  /** The counts of one more thread. */
  connect(): ThreadPlaces {
    const thread = new ThreadPlaces(
      (owner) => this.#exceededBy(owner),
      () => this.#threads.delete(thread),
    );
    this.#threads.add(thread);
    return thread;
  }

  #exceededBy({ user, network }: StreamOwner): ExceededLimit | undefined {
    const { perUser, perAddress } = this.#limits;
    if (user !== undefined && this.#sum((thread) => thread.ofUser(user)) >= perUser) {
      return "over the user limit";
    }
    if (network !== undefined && this.#sum((thread) => thread.ofNetwork(network)) >= perAddress) {
      return "over the address limit";
    }
    return undefined;
  }

  #sum(countIn: (thread: ThreadPlaces) => number): number {
    let sum = 0;
    for (const thread of this.#threads) sum += countIn(thread);
    return sum;
  }
}

/** The places that the streams of one thread have taken. */
export class ThreadPlaces implements PlaceCounts {
  readonly #users = new Map<string, number>();
  readonly #networks = new Map<string, number>();
  readonly #exceededBy: (owner: StreamOwner) => ExceededLimit | undefined;
  readonly #forget: () => void;

  constructor(exceededBy: (owner: StreamOwner) => ExceededLimit | undefined, forget: () => void) {
    this.#exceededBy = exceededBy;
    this.#forget = forget;
  }

  take(owner: StreamOwner): ExceededLimit | undefined {
    const exceeded = this.#exceededBy(owner);
    if (exceeded === undefined) this.#add(owner, 1);
    return exceeded;
  }

  giveBack(owner: StreamOwner): void {
    this.#add(owner, -1);
  }

  ofUser(user: string): number {
    return this.#users.get(user) ?? 0;
  }

  ofNetwork(network: string): number {
    return this.#networks.get(network) ?? 0;
  }

  /** The thread has ended, and its streams with it. */
  close(): void {
    this.#forget();
  }

  #add({ user, network }: StreamOwner, change: 1 | -1): void {
    if (user !== undefined) addTo(this.#users, user, change);
    if (network !== undefined) addTo(this.#networks, network, change);
  }
}

function addTo(counts: Map<string, number>, name: string, change: 1 | -1): void {
  const count = (counts.get(name) ?? 0) + change;
  if (count > 0) counts.set(name, count);
  else counts.delete(name);
}
