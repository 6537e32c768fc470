/**
 * Values that are nearly right, or right and unusual.
 *
 * @module
 */
import fc from "npm:fast-check@4.10.2";
import { anyData, anyEventName, anyPayload } from "../support/payloads.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import { MAX_PAYLOAD } from "./fuzzed_server.ts";

/** Names of users and channels that are allowed, whatever they look like. */
const GOOD_NAMES = [
  ...[
    "alex",
    "chat",
    "Alex",
    "a b",
    "a+b",
    "a&b=c",
    "100%",
    "%41",
    "%zz",
    "a/b",
    "..",
    ".",
    "a?b#c",
  ],
  ...[
    "ünïcödé",
    "日本",
    "👩‍👩‍👧",
    "\uFEFF",
    "a\nb",
    "\r\n",
    "\u2028",
    "__proto__",
    "constructor",
    "eyJ.a.b",
  ],
  ...[
    "open.news",
    "chat*",
    "\x7f",
    '"',
    "'",
    "\\",
    "{",
    "[0]",
    "sse:",
    "n".repeat(256),
    "\uFFFF",
    " ",
  ],
];

/** Names that are not allowed, or mean more than a name. */
const ODD_NAMES = ["", "*", "\0", "a\0b", "n".repeat(257), "\ud800", "\udc00a", "é".repeat(200)];

const EDGES = [0, 1, 255, 256, 257, 1023, 1024, 1025, 4095, 4096, 16_383];

const NUMBERS = [
  ...[
    "0",
    "1",
    "-1",
    "60",
    "3600",
    "1e3",
    "1.5",
    " 1",
    "1 ",
    "+1",
    "0x10",
    "٣",
    "NaN",
    "Infinity",
    "",
  ],
  ...[
    "9007199254740993",
    "315576000",
    "315576001",
    "99999999999999999999",
    "2147483648",
    "0001",
    "true",
  ],
];

/** A name that is allowed; most of them begin with a text of their own. */
export function goodName(random: SeededRandom, prefix = ""): string {
  const name = prefix + random.pick(GOOD_NAMES);
  return name.length <= 256 ? name : name.slice(0, 256);
}

/** A name of any kind. */
export function anyName(random: SeededRandom): string {
  return random.pick(random.chance(0.7) ? GOOD_NAMES : ODD_NAMES);
}

/** A number, or something like it. */
export function anyNumber(random: SeededRandom): string {
  return random.pick(NUMBERS);
}

/** A value for any field. */
export function anyValue(random: SeededRandom): string {
  return random.pick([anyName, anyNumber, anyName])(random);
}

/** Texts of one kind that `fast-check` makes, a hundred at a time: so they cost little each. */
class Stock {
  readonly #make: fc.Arbitrary<string>;
  /** Each round has its own, so that its texts depend on its seed alone. */
  readonly #left = new WeakMap<SeededRandom, string[]>();

  constructor(make: fc.Arbitrary<string>) {
    this.#make = make;
  }

  next(random: SeededRandom): string {
    const left = this.#left.get(random)?.pop();
    if (left !== undefined) return left;
    const seed = random.between(0, 2 ** 30);
    const [first = "", ...others] = fc.sample(this.#make, { numRuns: 100, seed });
    this.#left.set(random, others);
    return first;
  }
}

const payloads = new Stock(anyPayload);
const data = new Stock(anyData);
const eventNames = new Stock(anyEventName);

/** A payload of any kind; now and then a large one, or one around a limit. */
export function anyPayloadText(random: SeededRandom): string {
  if (random.chance(0.02)) {
    const line = `data: ${"x".repeat(random.between(0, 30))}`;
    const end = random.pick(["\n\n", "\r\n\r\n", "\r\r", "\n"]);
    return `${line}${end}`.repeat(random.pick([2, 10, 100, 998, 1000, 1001]));
  }
  if (random.chance(0.02)) return `data: ${longText(random)}`;
  if (random.chance(0.02)) {
    return random.pick(["", "\n", "\r", "\r\n\r\n", "data", "id", "\0", "\uFEFF"]);
  }
  return payloads.next(random);
}

/** Data of any kind. */
export function anyDataText(random: SeededRandom): string {
  if (random.chance(0.03)) return longText(random);
  if (random.chance(0.03)) {
    return random.pick(["", "\n", "\r\n", "\ud800", "a\udfff\n", "\0", "\uFEFFa"]);
  }
  return data.next(random);
}

/** A type of an event, mostly an allowed one. */
export function anyTypeText(random: SeededRandom): string {
  return random.chance(0.05)
    ? random.pick(["", "a\nb", "a\r", "\0", " x", ":"])
    : eventNames.next(random);
}

/** A text around one of the sizes at which something changes. */
function longText(random: SeededRandom): string {
  const unit = random.pick(["x", "é", "日", "𝄞", "\n", "\r\n"]);
  const most = random.pick([...EDGES, MAX_PAYLOAD - 1, MAX_PAYLOAD, MAX_PAYLOAD + 1]);
  return unit.repeat(Math.ceil(most / new TextEncoder().encode(unit).length));
}
