/**
 * What one client has got, compared with what it must have got.
 *
 * @module
 */
import { formatId, type LogPosition, parseId } from "../../src/sse/log_position.ts";
import { type Account, describe, type Hearing, hears, now } from "./account.ts";

/** A gap that a client was told of. */
interface ToldGap {
  /** Events after this seq may be missing, if they may have been dropped by then. */
  readonly after: number;
  readonly toldAt: number;
}

/** A client's way through one log. */
interface Stretch {
  readonly epoch: string;
  /** What came up to here has been compared. */
  comparedThrough: number;
  /** The client says that it has everything up to here. */
  position: number;
  /** The seqs behind `comparedThrough` that it got, in order. */
  received: number[];
  readonly gaps: ToldGap[];
}

/** One client, as the account sees it. */
export class Recipient implements Hearing {
  readonly name: string;
  readonly channels: ReadonlySet<string>;
  readonly userId: string;
  delivered = 0;
  gapsTold = 0;
  readonly #account: Account;
  /** One for each log, the present one last. */
  #stretches: Stretch[] = [];

  constructor(name: string, hearing: Hearing, account: Account) {
    this.name = name;
    this.channels = hearing.channels;
    this.userId = hearing.userId;
    this.#account = account;
  }

  /** How far it has come; `undefined` before its first id. */
  get position(): LogPosition | undefined {
    const last = this.#stretches.at(-1);
    return last && { epoch: last.epoch, seq: last.position };
  }

  /** Takes an event of its stream. */
  takeEvent(id: string, type: string, data: string): void {
    const place = parseId(id);
    if (place === undefined) return this.#find(`an event with the id "${id}"`);
    if (type === "gap") return this.#takeGap(place, data);
    this.delivered++;
    const event = this.#account.seen(place, data);
    if (event === undefined) return;
    if (!hears(this, event)) this.#find(`${describe(event)} is not for it`);
    // A client that came without an id begins with the first event that it gets.
    const stretch = this.#stretchFor({ ...place, seq: place.seq - 1 });
    if (place.seq <= stretch.position) {
      this.#find(`${describe(event)} at ${id} came after ${this.#positionText}`);
      return;
    }
    stretch.position = place.seq;
    stretch.received.push(place.seq);
  }

  /** Takes an id without an event: from now on it has everything up to there. */
  takePosition(id: string): void {
    const place = parseId(id);
    if (place === undefined) return this.#find(`the id "${id}"`);
    const stretch = this.#stretchFor(place);
    if (place.seq < stretch.position) {
      this.#find(`was set back to ${id} from ${this.#positionText}`);
    }
    stretch.position = Math.max(stretch.position, place.seq);
  }

  /** Whether it has everything up to a place, or the log of that place is gone. */
  hasReached(place: LogPosition | undefined): boolean {
    const { position } = this;
    return place === undefined || position !== undefined && position.epoch === place.epoch &&
        position.seq >= place.seq;
  }

  /** Compares what can be compared by now; answers whether that is all. */
  compare(settledThrough: number): boolean {
    for (const stretch of this.#stretches) this.#compareStretch(stretch, settledThrough);
    const present = this.#stretches.at(-1);
    this.#stretches = this.#stretches.filter((stretch) =>
      stretch === present || stretch.comparedThrough < stretch.position
    );
    return this.#stretches.every(({ comparedThrough, position }) => comparedThrough >= position);
  }

  /** Lowers the seqs by epoch to what is not compared yet. */
  addNeeds(needs: Map<string, number>): void {
    for (const { epoch, comparedThrough } of this.#stretches) {
      needs.set(epoch, Math.min(comparedThrough, needs.get(epoch) ?? Infinity));
    }
  }

  #takeGap(place: LogPosition, data: string): void {
    this.gapsTold++;
    const { asked } = JSON.parse(data) as { asked: string };
    const from = parseId(asked);
    const toldAt = now();
    if (!this.#account.mayHaveGap(this, from, place, toldAt)) {
      this.#find(`was told of a gap after ${asked}, but nothing can have been dropped`);
    }
    const present = this.#stretches.at(-1);
    if (present === undefined || present.epoch !== place.epoch) {
      this.#begin(place).gaps.push({ after: -1, toldAt });
      return;
    }
    if (place.seq < present.position) {
      this.#find(`a gap set it back to ${formatId(place.seq, place.epoch)}`);
    }
    present.position = Math.max(place.seq, present.position);
    present.gaps.push({ after: from?.seq ?? -1, toldAt });
  }

  #stretchFor(place: LogPosition): Stretch {
    const present = this.#stretches.at(-1);
    if (present?.epoch === place.epoch) return present;
    if (present !== undefined) {
      this.#find(
        `came from ${this.#positionText} into the log ${place.epoch} without word of a gap`,
      );
    }
    return this.#begin(place);
  }

  #begin({ epoch, seq }: LogPosition): Stretch {
    const stretch = { epoch, comparedThrough: seq, position: seq, received: [], gaps: [] };
    this.#stretches.push(stretch);
    return stretch;
  }

  #compareStretch(stretch: Stretch, settledThrough: number): void {
    const { epoch, comparedThrough, received, gaps } = stretch;
    const through = Math.min(stretch.position, settledThrough);
    if (through <= comparedThrough) return;
    let index = 0;
    for (const event of this.#account.between(epoch, comparedThrough, through)) {
      if (!hears(this, event)) continue;
      const seq = event.places.get(epoch) ?? NaN;
      while ((received[index] ?? Infinity) < seq) index++;
      if (received[index] === seq) continue;
      const isExcused = gaps.some(({ after, toldAt }) =>
        seq > after && this.#account.mayBeGone(event, seq, toldAt)
      );
      if (!isExcused) {
        this.#find(
          `never got ${describe(event)} at ${
            formatId(seq, epoch)
          }, and is at ${this.#positionText}`,
        );
      }
    }
    stretch.comparedThrough = through;
    stretch.received = received.filter((seq) => seq > through);
  }

  get #positionText(): string {
    const { position } = this;
    return position === undefined ? "nowhere" : formatId(position.seq, position.epoch);
  }

  #find(what: string): void {
    this.#account.findings.add(`${this.name}: ${what}`);
  }
}
