import { BadField, UnknownField } from "../lib/errors.ts";
import { shown } from "../lib/shown_text.ts";
import { targetOf } from "./target.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

/** No list is as long. */
const MAX_OFFSET = 1_000_000_000;

/** What a list can be asked for, besides `limit` and `offset`. */
export interface ListRules<Sort extends string, Filter extends string = never> {
  /** What its items can be sorted by: fields of an item. */
  readonly sorts: readonly Sort[];
  /** The order without the field `sort`, which has the same form: `-subscribers` for the most first. */
  readonly defaultSort: Sort | `-${Sort}`;
  /** Fields that narrow the list. Default: none. */
  readonly filters?: readonly Filter[];
}

/** How a list is sorted. */
export interface SortOrder<Sort extends string> {
  readonly by: Sort;
  readonly descending: boolean;
}

/** The part of a list that a request asks for. */
export interface ListRequest<Sort extends string, Filter extends string = never> {
  /** The most items of the answer: 1 to 1000, by default 100. */
  readonly limit: number;
  /** How many items of the whole list come before those of the answer. */
  readonly offset: number;
  readonly sort: SortOrder<Sort>;
  /** The fields that were given; none is empty. */
  readonly filters: Readonly<Partial<Record<Filter, string>>>;
}

/** The answer of every list. */
export interface List<Item> {
  readonly items: readonly Item[];
  /** The number of items of the whole list, as the filters narrow it. */
  readonly total: number;
  /** Path and query of the next part; null after the last. */
  readonly next: string | null;
}

/** Reads what part of a list a request asks for. @throws BadField for a wrong, repeated or unknown field. */
export function readListRequest<Sort extends string, Filter extends string = never>(
  query: URLSearchParams | undefined,
  { sorts, defaultSort, filters = [] }: ListRules<Sort, Filter>,
): ListRequest<Sort, Filter> {
  const fields = query ?? new URLSearchParams();
  checkNames(fields, ["limit", "offset", "sort", ...filters]);
  return {
    limit: readNumber(fields, "limit", DEFAULT_LIMIT, [1, MAX_LIMIT]),
    offset: readNumber(fields, "offset", 0, [0, MAX_OFFSET]),
    sort: readSort(fields.get("sort") ?? defaultSort, sorts),
    filters: readFilters(fields, filters),
  };
}

/**
 * The answer to a request for a list.
 *
 * @param items those that the request asks for.
 * @param total see `List`.
 */
export function listOf<Item>(
  items: readonly Item[],
  total: number,
  { limit, offset }: Pick<ListRequest<string>, "limit" | "offset">,
  request: Request,
): List<Item> {
  const end = offset + limit;
  return { items, total, next: end < total ? targetAt(end, request) : null };
}

/** The target of a request, for the part of its list that begins at another place. */
function targetAt(offset: number, request: Request): string {
  const { path, query } = targetOf(request);
  const fields = new URLSearchParams(query);
  fields.set("offset", String(offset));
  return `${path}?${fields}`;
}

/** @throws BadField */
function checkNames(fields: URLSearchParams, known: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of fields.keys()) {
    if (!known.includes(name)) {
      throw new UnknownField(
        name,
        `Bad field ${shown(name)}: this list takes ${known.join(", ")}.`,
      );
    }
    if (seen.has(name)) throw new BadField(name, `Bad field ${name}: it was given twice.`);
    seen.add(name);
  }
}

/** @throws BadField for an empty one: a script whose variable is empty must not get the whole list. */
function readFilters<Filter extends string>(
  fields: URLSearchParams,
  names: readonly Filter[],
): Readonly<Partial<Record<Filter, string>>> {
  const filters: Partial<Record<Filter, string>> = {};
  for (const name of names) {
    const value = fields.get(name);
    if (value === "") {
      throw new BadField(name, `Bad field ${name}: it is empty.`);
    }
    if (value !== null) filters[name] = value;
  }
  return filters;
}

/** @throws BadField */
function readNumber(
  fields: URLSearchParams,
  name: string,
  standard: number,
  [min, max]: readonly [number, number],
): number {
  const text = fields.get(name);
  if (text === null) return standard;
  const number = /^[0-9]{1,10}$/.test(text) ? Number(text) : NaN;
  if (number >= min && number <= max) return number;
  throw new BadField(name, `Bad field ${name}: it must be a whole number from ${min} to ${max}.`);
}

/** @throws BadField */
function readSort<Sort extends string>(text: string, sorts: readonly Sort[]): SortOrder<Sort> {
  const descending = text.startsWith("-");
  const name = descending ? text.slice(1) : text;
  const by = sorts.find((sort) => sort === name);
  if (by !== undefined) return { by, descending };
  throw new BadField(
    "sort",
    `Bad field sort: it must be ${sorts.join(", ")}, or one of them after a - to begin at the end.`,
  );
}
