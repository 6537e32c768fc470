import { TokenRefused } from "../lib/errors.ts";
import { isName } from "../lib/names.ts";
import { type ClaimPath, parseClaimPath, valueAt } from "./claim_path.ts";

/** A channel, or a pattern, that every valid token grants, with claims filled in: `user.{sub}`. */
export interface GrantTemplate {
  /** The texts around the claims: one more than there are claims. */
  readonly texts: readonly string[];
  readonly claims: readonly ClaimPath[];
}

/** What a template must be, for messages. */
export const GRANT_RULE =
  "a channel, with claims in braces, such as user.{sub}, and a separator between two claims and before a *";

/** A character that may keep a claim apart from what stands next to it. */
const SEPARATOR = /[^\p{L}\p{N}*]/u;

/**
 * Reads a template; `undefined` for a text with a brace that is not part of a `{claim}`, or with a claim
 * whose end nobody can tell: `user.{sub}*` would give to alex what is meant for alexander.
 */
export function parseGrantTemplate(text: string): GrantTemplate | undefined {
  const parts = text.split(/\{([^{}]+)\}/);
  const texts = parts.filter((_, index) => index % 2 === 0);
  const paths = parts.filter((_, index) => index % 2 === 1).map(parseClaimPath);
  const claims = paths.filter((path) => path !== undefined);
  const isWellFormed = claims.length === paths.length && !/[{}]/.test(texts.join("")) &&
    text !== "" && keepsApart(texts);
  return isWellFormed ? { texts, claims } : undefined;
}

function keepsApart(texts: readonly string[]): boolean {
  const begins = (text: string) => SEPARATOR.test(text.at(0) ?? "");
  const ends = (text: string) => SEPARATOR.test(text.at(-1) ?? "");
  const last = texts.length === 1 ? "" : texts.at(-1) ?? "";
  return texts.slice(1, -1).every((text) => begins(text) || ends(text)) &&
    (begins(last) || !last.endsWith("*"));
}

/** Fills the claims of tokens into templates. */
export class Grants {
  readonly #templates: readonly GrantTemplate[];
  readonly #separators: readonly string[];

  constructor(templates: readonly GrantTemplate[]) {
    this.#templates = templates;
    // What stands next to one claim keeps it apart from the rest: in no claim may it come again, or
    // a user named `alex.admin` would get what is granted to others.
    const neighbours = templates.flatMap(({ texts }) => [
      ...texts.slice(0, -1).map((text) => text.at(-1)),
      ...texts.slice(1).map((text) => text.at(0)),
    ]);
    const separators = neighbours.filter((char) =>
      char !== undefined && !/[\p{L}\p{N}]/u.test(char)
    );
    this.#separators = ["*", ...new Set(separators as readonly string[])];
  }

  /**
   * The channels and patterns that a token grants by its claims.
   *
   * @throws TokenRefused if a claim is missing, is no name, or contains a character that has a meaning here.
   */
  fill(payload: unknown): readonly string[] {
    return this.#templates.map(({ texts, claims }) => {
      const values = claims.map((claim) => this.#read(claim, valueAt(payload, claim)));
      const channel = texts.map((text, index) => text + (values[index] ?? "")).join("");
      if (isName(channel)) return channel;
      throw new TokenRefused(
        "claims",
        "Token refused: its claims make a channel name that is too long (-grant).",
      );
    });
  }

  #read({ text }: ClaimPath, value: unknown): string {
    const name = Number.isSafeInteger(value) ? String(value) : value;
    if (typeof name !== "string" || !isName(name)) {
      throw new TokenRefused(
        "claims",
        `Token refused: its claim ${text} must be a text or a whole number (-grant).`,
      );
    }
    if (!this.#separators.some((separator) => name.includes(separator))) return name;
    throw new TokenRefused(
      "claims",
      `Token refused: its claim ${text} contains * or a character that stands next to a claim in -grant.`,
    );
  }
}
