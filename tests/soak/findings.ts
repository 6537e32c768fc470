import { say } from "../bench/say.ts";

const KEPT = 50;

/** What a site did that it must not do. */
export class Findings {
  count = 0;
  readonly kept: string[] = [];
  readonly #site: string;
  readonly #begin = performance.now();

  constructor(site: string) {
    this.#site = site;
  }

  /** Notes one, and prints it at once: a run that hangs afterwards has told it. */
  add(what: string): void {
    this.count++;
    if (this.count > KEPT) return;
    const second = Math.round((performance.now() - this.#begin) / 1000);
    const line = `${this.#site}, second ${second}: ${what}`;
    this.kept.push(line);
    say(`FINDING  ${line}`);
  }
}
