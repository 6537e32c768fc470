/**
 * What `/metrics` says, read as Prometheus reads it.
 *
 * @module
 */
import type { Server } from "./server.ts";

/** What the lines of one metric begin with. */
export interface MetricHead {
  readonly name: string;
  readonly type: string;
  readonly help: string;
}

/** One answer in Prometheus' own text form. */
export class Metrics {
  readonly text: string;
  readonly #values: ReadonlyMap<string, number>;

  constructor(text: string) {
    this.text = text;
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    this.#values = new Map(lines.map((line) => {
      const end = line.lastIndexOf(" ");
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }));
  }

  /** The names of all series, each with its labels, in the order of the answer. */
  get series(): readonly string[] {
    return [...this.#values.keys()];
  }

  get heads(): readonly MetricHead[] {
    return Array.from(
      this.text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$/gm),
      ([, name = "", help = "", type = ""]) => ({ name, help, type }),
    );
  }

  /**
   * The value of one series.
   *
   * @param series its name with its labels as they are written, such as `x_total{reason="draining"}`.
   * @throws {Error} if there is no such series.
   */
  value(series: string): number {
    const value = this.#values.get(series);
    if (value === undefined) throw new Error(`no ${series} in:\n${this.text}`);
    return value;
  }
}

/** Scrapes a server. @throws {Error} with status and body, if it refuses. */
export async function metricsOf(server: Server): Promise<Metrics> {
  const response = await server.control("/metrics");
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status} ${text}`);
  return new Metrics(text);
}
