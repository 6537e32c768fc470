import { type Address, parseAddress } from "../lib/address.ts";
import { CLAIM_RULE, type ClaimPath, parseClaimPath } from "../auth/claim_path.ts";
import { GRANT_RULE, type GrantTemplate, parseGrantTemplate } from "../auth/grant_template.ts";
import { isKeyForm, SECRET_RULE } from "../auth/key_material.ts";
import { UsageError } from "../lib/errors.ts";
import { isName, NAME_RULE } from "../lib/names.ts";
import { ADDRESS_RANGE_RULE, isAddressRange } from "../lib/trusted_proxies.ts";
import { isLogLevel, LOG_LEVEL_RULE, type LogLevel } from "../observability/log_line.ts";
import type { LogFormat } from "../observability/logger.ts";
import { describeRange, environmentName, type Option, SERVER_OPTIONS } from "./options.ts";
import { parseStore, type StoreAddress } from "../broker/store_address.ts";

/** A secret as it was configured: the text, or the file that holds it. */
export interface SecretSource {
  readonly text: string | undefined;
  readonly file: string | undefined;
}

/** More threads than any machine of today would gain from. */
const MAX_WORKERS = 256;

type ServerOption = typeof SERVER_OPTIONS[number];

type OptionName = ServerOption["name"];

/** The options that are numbers. */
type NumberName = Extract<ServerOption, { readonly range: unknown }>["name"];

/**
 * Looks up settings by name: a flag wins over its environment variable, the variable over the default.
 * For a wrong value, every method throws a UsageError that names the flag or the variable.
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

  /** The flag or the variable that the value came from, for messages. */
  source(name: OptionName): string {
    return this.#flag(name) === undefined && this.#variable(name) !== undefined
      ? environmentName(name)
      : `-${name}`;
  }

  text(name: OptionName): string {
    return this.#flag(name) ?? this.#variable(name) ?? optionOf(name).default;
  }

  notEmpty(name: OptionName): string {
    const text = this.text(name);
    if (text !== "") return text;
    throw this.#wrong(name, "a text that is not empty");
  }

  /** A file's name; `undefined` where none is given. */
  file(name: OptionName): string | undefined {
    const given = this.#flag(name) ?? this.#variable(name);
    if (given === "") throw this.#wrong(name, "a file name");
    return given;
  }

  /** A folder's name; `undefined` where none is given. */
  folder(name: OptionName): string | undefined {
    const given = this.#flag(name) ?? this.#variable(name);
    if (given === "") throw this.#wrong(name, "the name of a folder");
    return given;
  }

  list(name: OptionName): readonly string[] {
    return this.text(name).split(",").map((part) => part.trim()).filter((
      part,
    ) => part !== "");
  }

  /** @param socketMode the permissions of a Unix socket where none are given. */
  address(name: OptionName, socketMode: number): Address {
    return parseAddress(this.text(name), this.source(name), socketMode);
  }

  /** A number within the option's range, in the option's unit. */
  number(name: NumberName): number {
    const option = optionOf(name);
    const value = this.#number(name);
    if (isWithin(option, value)) return value;
    throw this.#wrong(name, `a ${describeNumber(option)} from ${describeRange(option)}`);
  }

  /** A time in seconds, as milliseconds. */
  milliseconds(name: NumberName): number {
    return this.number(name) * 1000;
  }

  /** A number of threads, or one for each core. */
  workers(name: OptionName): number | "auto" {
    const text = this.text(name);
    if (text === "auto") return text;
    const count = this.#number(name);
    if (Number.isSafeInteger(count) && count >= 1 && count <= MAX_WORKERS) return count;
    throw this.#wrong(name, `auto, or a whole number from 1 to ${MAX_WORKERS}`);
  }

  on(name: OptionName): boolean {
    const text = this.text(name);
    if (["", "0", "false"].includes(text)) return false;
    if (["1", "true"].includes(text)) return true;
    throw this.#wrong(name, "true or false");
  }

  /** The values of an option that may be repeated; a variable gives one. */
  all(name: OptionName): readonly string[] {
    const variable = this.#variable(name);
    const values = this.#flags[name] ?? (variable === undefined ? [] : [variable]);
    if (values.includes("")) throw this.#wrong(name, "a text that is not empty");
    return values;
  }

  /** Names of channels, and patterns. */
  names(name: OptionName): readonly string[] {
    const names = this.list(name);
    if (!names.every(isName)) throw this.#wrong(name, `names of ${NAME_RULE}`);
    return names;
  }

  urls(name: OptionName): readonly string[] {
    const urls = this.all(name);
    if (urls.every(isWebAddress)) return urls;
    throw this.#wrong(
      name,
      "an address like https://example.com/keys, without a user and a password",
    );
  }

  claim(name: OptionName): ClaimPath {
    const path = parseClaimPath(this.text(name));
    if (path === undefined) throw this.#wrong(name, CLAIM_RULE);
    return path;
  }

  grants(name: OptionName): readonly GrantTemplate[] {
    return this.all(name).map((text) => {
      const template = parseGrantTemplate(text);
      if (template !== undefined) return template;
      throw this.#wrong(name, GRANT_RULE);
    });
  }

  /** Several secrets as {@link secret} takes one: texts or files, of flags or of variables. */
  secrets(textName: OptionName, fileName: OptionName) {
    const { text, file } = this.secret(textName, fileName);
    if (text !== undefined && this.all(textName).some(isKeyForm)) {
      throw this.#wrong(textName, SECRET_RULE);
    }
    return {
      secrets: text === undefined ? [] : this.all(textName),
      secretFiles: file === undefined ? [] : this.all(fileName),
    };
  }

  /** A secret as text or as a file; a flag for one wins over a variable for the other. */
  secret(textName: OptionName, fileName: OptionName): SecretSource {
    const { text, file } = this.#textOrFile(textName, fileName);
    if (text === "") throw this.#wrong(textName, "a text that is not empty");
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
      const wanted = wantedOrigin(origin);
      if (wanted !== undefined) throw this.#wrong(name, wanted);
    }
    return origins;
  }

  /** IP addresses and ranges of them. */
  addressRanges(name: OptionName): readonly string[] {
    const ranges = this.list(name);
    if (ranges.every(isAddressRange)) return ranges;
    throw this.#wrong(name, ADDRESS_RANGE_RULE);
  }

  cookieName(name: OptionName): string {
    const text = this.text(name);
    if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)) return text;
    throw this.#wrong(name, "a cookie name");
  }

  /** A log level, and the file that holds another if one is given in its place. */
  logLevel(
    textName: OptionName,
    fileName: OptionName,
  ): { readonly logLevel: LogLevel; readonly logLevelFile: string | undefined } {
    const { text = optionOf(textName).default, file } = this.#textOrFile(textName, fileName);
    if (!isLogLevel(text)) throw this.#wrong(textName, LOG_LEVEL_RULE);
    return { logLevel: text, logLevelFile: file };
  }

  logFormat(name: OptionName): LogFormat {
    const text = this.text(name);
    if (text === "text" || text === "json") return text;
    throw this.#wrong(name, "text or json");
  }

  /** A text or the file that holds it; a flag for one wins over a variable for the other. */
  #textOrFile(textName: OptionName, fileName: OptionName): SecretSource {
    const flags = { text: this.#flag(textName), file: this.#flag(fileName) };
    const given = flags.text !== undefined || flags.file !== undefined ? flags : {
      text: this.#variable(textName),
      file: this.#variable(fileName),
    };
    if (given.text !== undefined && given.file !== undefined) {
      throw new UsageError(
        `Give ${this.source(textName)} or ${this.source(fileName)}, not both.`,
      );
    }
    if (given.file === "") throw this.#wrong(fileName, "a file name");
    return given;
  }

  #number(name: OptionName): number {
    const text = this.text(name);
    return /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : NaN;
  }

  #flag(name: OptionName): string | undefined {
    return this.#flags[name]?.at(-1);
  }

  /** An empty variable counts as unset, because compose files and systemd units pass unset values that way. */
  #variable(name: OptionName): string | undefined {
    return this.#environment(environmentName(name)) || undefined;
  }

  #wrong(name: OptionName, wanted: string): UsageError {
    return new UsageError(
      `Bad value in ${this.source(name)}: it must be ${wanted}.`,
    );
  }
}

function isWebAddress(text: string): boolean {
  const url = URL.parse(text);
  // The runtime fetches no address with a password, and this one is logged.
  return url !== null && /^https?:$/.test(url.protocol) && url.username + url.password === "";
}

function optionOf(name: OptionName): Option {
  const option = SERVER_OPTIONS.find((option) => option.name === name);
  if (option === undefined) throw new Error(`There is no option ${name}.`);
  return option;
}

function isWithin({ range, value: unit }: Option, value: number): boolean {
  if (range === undefined || (unit !== "SECONDS" && !Number.isSafeInteger(value))) return false;
  return value >= range.min && value <= range.max || value === 0 && range.orZero === true;
}

function describeNumber({ value: unit }: Option): string {
  switch (unit) {
    case "SECONDS":
      return "number of seconds";
    case "MS":
      return "whole number of milliseconds";
    case "BYTES":
      return "whole number of bytes";
    default:
      return "whole number";
  }
}

/** Says what to give instead of a text that no browser sends as its origin (RFC 6454, 6.2). */
function wantedOrigin(text: string): string | undefined {
  const origin = URL.parse(text)?.origin;
  const shown = JSON.stringify(text);
  if (text.includes("*")) {
    return `each origin by name, or * for all: ${shown} would match none, because no origin contains a *`;
  }
  if (text === origin) return undefined;
  if (text === `${origin}/`) return `${origin}: an origin has no trailing slash`;
  return `origins like https://example.com, separated by commas, not ${shown}`;
}
