/** How often each of some names, all of them known beforehand, has come. */
export type Tally<Name extends string> = Readonly<Record<Name, number>>;

/** A tally to count in: each of these names, and 0. */
export function newTally<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
}
