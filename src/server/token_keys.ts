import type { KeyFile, KeyMaterial } from "../auth/key_material.ts";
import { hasKeys, type TokenKeySources } from "../config/config.ts";
import { randomSecret, readSecretLines } from "./secrets.ts";
import { readTextFile } from "./text_file.ts";

/** The keys for tokens, as the flags name them: read at the start, and again at SIGHUP. */
export class TokenKeys {
  readonly #sources: TokenKeySources;
  /** Serves where no key of any kind was given, until the server stops. */
  readonly #random: string | undefined;

  constructor(sources: TokenKeySources) {
    this.#sources = sources;
    this.#random = hasKeys(sources) ? undefined : randomSecret();
  }

  /** Whether no key was given. */
  get isRandom(): boolean {
    return this.#random !== undefined;
  }

  /** Whether a later {@link read} may give others: some are in files, or are fetched. */
  get canChange(): boolean {
    const { secrets: _, ...others } = this.#sources;
    return Object.values(others).some((list) => list.length > 0);
  }

  /**
   * Reads every file anew.
   *
   * @throws StartError naming the file that cannot be read or is empty.
   */
  read(): KeyMaterial {
    const { secrets, secretFiles, publicKeyFiles, keySetFiles, keySetUrls } = this.#sources;
    return {
      secrets: this.#random === undefined
        ? [...secrets, ...secretFiles.flatMap(readSecretLines)]
        : [this.#random],
      publicKeys: publicKeyFiles.map((file) => readFile("public key", file)),
      keySets: keySetFiles.map((file) => readFile("key set", file)),
      keySetUrls,
    };
  }
}

function readFile(what: string, file: string): KeyFile {
  return { file, content: readTextFile(what, file) };
}
