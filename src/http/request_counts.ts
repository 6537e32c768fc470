/** How many requests a route has answered with a status. */
export interface RequestCount {
  /** The route's path, such as `/channels/:name`; `other` for requests that found none. */
  readonly route: string;
  readonly status: number;
  readonly requests: number;
}

/** Counts requests by route and status: by nothing that a caller chooses. */
export class RequestCounts {
  readonly #counts = new Map<string, Map<number, number>>();

  /** @param route `undefined` for a request that found none. */
  add(route: string | undefined, status: number): void {
    const name = route ?? "other";
    let statuses = this.#counts.get(name);
    if (statuses === undefined) this.#counts.set(name, statuses = new Map());
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }

  get all(): readonly RequestCount[] {
    return [...this.#counts].flatMap(([route, statuses]) =>
      Array.from(statuses, ([status, requests]) => ({ route, status, requests }))
    );
  }
}
