import type { ExceededLimit, PlaceCounts, StreamOwner } from "../hub/stream_places.ts";
import { Deque } from "../lib/deque.ts";

/** From a worker, about the places of its streams. */
export type AboutPlaces =
  /** Answered by `place`, in the same order. */
  | { readonly kind: "take place"; readonly owner: StreamOwner }
  | { readonly kind: "give place back"; readonly owner: StreamOwner };

/** What `take place` is answered; `exceeded` is `undefined` for a place that was taken. */
export interface PlaceAnswer {
  readonly kind: "place";
  readonly exceeded: ExceededLimit | undefined;
}

/** The places of a worker's streams, which the main thread counts together with those of the other workers. */
export class RemotePlaces implements PlaceCounts {
  readonly #post: (message: AboutPlaces) => void;
  readonly #waiting = new Deque<(exceeded: ExceededLimit | undefined) => void>();

  constructor(post: (message: AboutPlaces) => void) {
    this.#post = post;
  }

  take(owner: StreamOwner): Promise<ExceededLimit | undefined> {
    this.#post({ kind: "take place", owner });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  giveBack(owner: StreamOwner): void {
    this.#post({ kind: "give place back", owner });
  }

  /** Takes the answer to the oldest call of `take` that has none. */
  answered({ exceeded }: PlaceAnswer): void {
    this.#waiting.shift()?.(exceeded);
  }
}
