import type { NoPlace, PlaceCounts, PlaceHolder } from "../hub/stream_places.ts";
import { Deque } from "../lib/deque.ts";

/** From a worker, about the places of its streams. */
export type AboutPlaces =
  /** Answered by `place`, in the same order. */
  | { readonly kind: "take place"; readonly holder: PlaceHolder }
  | { readonly kind: "give place back"; readonly holder: PlaceHolder };

/** What `take place` is answered; `missing` is `undefined` for a place that was taken. */
export interface PlaceAnswer {
  readonly kind: "place";
  readonly missing: NoPlace | undefined;
}

/** The places of a worker's streams, which the main thread counts together with those of the other workers. */
export class RemotePlaces implements PlaceCounts {
  readonly #post: (message: AboutPlaces) => void;
  readonly #waiting = new Deque<(missing: NoPlace | undefined) => void>();

  constructor(post: (message: AboutPlaces) => void) {
    this.#post = post;
  }

  take(holder: PlaceHolder): Promise<NoPlace | undefined> {
    this.#post({ kind: "take place", holder });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  giveBack(holder: PlaceHolder): void {
    this.#post({ kind: "give place back", holder });
  }

  /** Takes the answer to the oldest call of `take` that has none. */
  answered({ missing }: PlaceAnswer): void {
    this.#waiting.shift()?.(missing);
  }
}
