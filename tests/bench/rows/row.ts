/**
 * What a row of the benchmark's table is made of.
 *
 * @module
 */
import type { Peer } from "../peers/peer.ts";

/** What one run measured, by the names of the row's figures. */
export interface Measured {
  readonly values: Readonly<Record<string, number>>;
  /** What must not happen, whoever is measured: events lost or repeated, connections refused, a crash. */
  readonly broken: readonly string[];
  /** What makes the figures doubtful: a saturated load generator, other programs at work. */
  readonly doubts: readonly string[];
}

/** A column of a row's table. */
export interface Figure {
  /** The name that runs give their values. */
  readonly key: string;
  readonly title: string;
  readonly unit: string;
  readonly better: "more" | "less";
}

/** One that is measured in a row. */
export interface Contestant {
  /** The peer's name, and how it is used where a row uses it in several ways. */
  readonly label: string;
  readonly peer: Peer;
  measure(size: Size): Promise<Measured>;
}

/** Medians of a row, by contestant and figure; `undefined` for one that was not measured. */
export type Medians = (label: string, key: string) => number | undefined;

/** What the server is meant to reach. */
export interface Goal {
  readonly text: string;
  /** The two sides that are compared; `undefined` where one was not measured. */
  readonly holds: (medians: Medians) => boolean | undefined;
}

/** One row: a load, and everyone who has to bear it. */
export interface Row {
  readonly name: string;
  readonly title: string;
  /** The first is what the row is about. */
  readonly figures: readonly [Figure, ...Figure[]];
  readonly contestants: readonly Contestant[];
  readonly goals: readonly Goal[];
}

/** How much load: all of it, or a tenth to see that everything works. */
export type Size = "full" | "small";

/** The label of this server where it is used as usual. */
export const THIS = "this server";
