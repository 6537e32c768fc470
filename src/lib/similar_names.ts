/** Shorter names have too little in common to be taken for one another. */
const SHORTEST = 3;

/** Nobody types longer names, and to compare a thousand of them would take long. */
const LONGEST = 64;

/** Numbers next to each other are different ids, such as `order.42` and `order.43`. */
const DIGIT = /[0-9]/;

/**
 * Whether one name may have been typed for the other: they differ in case, or in one character that is
 * added, missing, wrong or swapped with its neighbour. Names over 64 characters are never similar.
 */
export function isSimilar(one: string, other: string): boolean {
  const [shorter, longer] = one.length < other.length ? [one, other] : [other, one];
  if (shorter.length < SHORTEST || longer.length > LONGEST) return false;
  if (longer.length - shorter.length > 1) return false;
  const [a, b] = differenceOf(one.toLowerCase(), other.toLowerCase());
  if (DIGIT.test(a + b)) return false;
  if (a.length <= 1 && b.length <= 1) return true;
  return a.length === 2 && b.length === 2 && a[0] === b[1] && a[1] === b[0];
}

/** What is left of two texts without their common beginning and end. */
function differenceOf(one: string, other: string): readonly [string, string] {
  const shorter = Math.min(one.length, other.length);
  let start = 0;
  while (start < shorter && one.charCodeAt(start) === other.charCodeAt(start)) start++;
  let [oneEnd, otherEnd] = [one.length, other.length];
  while (
    Math.min(oneEnd, otherEnd) > start &&
    one.charCodeAt(oneEnd - 1) === other.charCodeAt(otherEnd - 1)
  ) oneEnd--, otherEnd--;
  return [one.slice(start, oneEnd), other.slice(start, otherEnd)];
}
