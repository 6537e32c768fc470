/** Shorter names have too little in common to be taken for one another. */
const SHORTEST = 3;

/** Numbers next to each other are different ids, such as `order.42` and `order.43`. */
const DIGIT = /[0-9]/;

/**
 * Whether one name may have been typed for the other: they differ in case, or in one character that is
 * added, missing, wrong or swapped with its neighbour. It takes no longer than to read both.
 */
export function isSimilar(one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > 1) return false;
  if (Math.min(one.length, other.length) < SHORTEST) return false;
  const [a, b] = differenceOf(one.toLowerCase(), other.toLowerCase());
  if (DIGIT.test(a + b)) return false;
  if (a.length <= 1 && b.length <= 1) return true;
  return a.length === 2 && b.length === 2 && a[0] === b[1] && a[1] === b[0];
}

/** What is left of two texts without their common beginning and end. */
function differenceOf(one: string, other: string): readonly [string, string] {
  const shorter = Math.min(one.length, other.length);
  let start = 0;
  while (start < shorter && one[start] === other[start]) start++;
  let end = 0;
  while (end < shorter - start && one.at(-1 - end) === other.at(-1 - end)) end++;
  return [one.slice(start, one.length - end), other.slice(start, other.length - end)];
}
