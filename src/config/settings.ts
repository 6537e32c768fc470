import { type Address, parseAddress } from "../lib/address.ts";
import { UsageError } from "../lib/errors.ts";
import type { LogLevel } from "../observability/logger.ts";
import { environmentName, SERVER_OPTIONS } from "./options.ts";
import { parseStore, type StoreAddress } from "../broker/store_address.ts";

/** A secret as it was configured: the text, or the file that holds it. */
export interface SecretSource {
  readonly text: string | undefined;
  readonly file: string | undefined;
}

type OptionName = typeof SERVER_OPTIONS[number]["name"];

/**
 * Looks up settings by name: a flag wins over its environment variable, that over the default.
 * Every method throws a UsageError, which names the flag or variable, where the value is wrong.
 */
export class Settings {
  readonly #flags: Readonly<Record<string, readonly string[]>>;
  readonly #environment: (name: string) => string | undefined;

  constructor(
    flags: Readonly<Record<string, readonly string[]>>,
    environment: (name: string) => string | undefined,
  ) {
    this.#flags = flags;
    this.#environment = environment;
  }

  /** What the user wrote the value into, for messages. */
  source(name: OptionName): string {
    return this.#flag(name) === undefined && this.#variable(name) !== undefined
      ? environmentName(name)
      : `-${name}`;
  }

  text(name: OptionName): string {
    const standard = SERVER_OPTIONS.find((option) => option.name === name)?.default ?? "";
    return this.#flag(name) ?? this.#variable(name) ?? standard;
  }

  notEmpty(name: OptionName): string {
    const text = this.text(name);
    if (text !== "") return text;
    throw this.#wrong(name, "a text that is not empty");
  }

  list(name: OptionName): readonly string[] {
    return this.text(name).split(",").map((part) => part.trim()).filter((
      part,
    ) => part !== "");
  }

  address(name: OptionName): Address {
    return parseAddress(this.text(name), this.source(name));
  }

  whole(name: OptionName, least: number): number {
    const value = this.#number(name);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw this.#wrong(name, `a whole number of at least ${least}`);
  }

  /** A time in seconds, fractions allowed, as milliseconds. */
  seconds(name: OptionName): number {
    const value = this.#number(name);
    // The longest time that a timer of the runtime can hold.
    if (value >= 0 && value * 1000 <= 0x7fffffff) return value * 1000;
    throw this.#wrong(name, "a number of seconds from 0 to 2147483");
  }

  on(name: OptionName): boolean {
    const text = this.text(name);
    if (["", "0", "false"].includes(text)) return false;
    if (["1", "true"].includes(text)) return true;
    throw this.#wrong(name, "true or false");
  }

  /** A text and the file it may come from instead; a flag for one wins over a variable for the other. */
  secret(textName: OptionName, fileName: OptionName): SecretSource {
    const flags = { text: this.#flag(textName), file: this.#flag(fileName) };
    const given = flags.text !== undefined || flags.file !== undefined ? flags : {
      text: this.#variable(textName),
      file: this.#variable(fileName),
    };
    const text = given.text === undefined ? undefined : this.text(textName);
    const file = given.file === undefined ? undefined : this.text(fileName);
    if (text !== undefined && file !== undefined) {
      throw new UsageError(
        `Give ${this.source(textName)} or ${this.source(fileName)}, not both.`,
      );
    }
    if (text === "") throw this.#wrong(textName, "a text that is not empty");
    if (file === "") throw this.#wrong(fileName, "a file name");
    return { text, file };
  }

  store(name: OptionName): StoreAddress {
    const choice = parseStore(this.text(name));
    if (typeof choice === "string") throw this.#wrong(name, choice);
    return choice;
  }

  origins(name: OptionName): readonly string[] | "*" {
    const origins = this.list(name);
    if (origins.includes("*")) return "*";
    for (const origin of origins) {
      if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
        throw this.#wrong(
          name,
          `origins like https://example.com, not ${JSON.stringify(origin)}`,
        );
      }
    }
    return origins;
  }

  cookieName(name: OptionName): string {
    const text = this.text(name);
    if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)) return text;
    throw this.#wrong(name, "a cookie name");
  }

  logLevel(name: OptionName): LogLevel {
    const text = this.text(name);
    if (
      text === "debug" || text === "info" || text === "warn" || text === "error"
    ) return text;
    throw this.#wrong(name, "debug, info, warn or error");
  }

  #number(name: OptionName): number {
    const text = this.text(name);
    return /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : NaN;
  }

  #flag(name: OptionName): string | undefined {
    return this.#flags[name]?.at(-1);
  }

  /** An empty variable counts as absent: that is how compose files and units pass on what is not set. */
  #variable(name: OptionName): string | undefined {
    return this.#environment(environmentName(name)) || undefined;
  }

  #wrong(name: OptionName, wanted: string): UsageError {
    return new UsageError(
      `Bad value in ${this.source(name)}: it must be ${wanted}.`,
    );
  }
}
