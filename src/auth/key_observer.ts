/** Is told what becomes of the keys while the server runs. */
export interface KeyObserver {
  /** Keys were taken or fetched: some may be gone, with the streams that rest on them. */
  changed(): void;
  /** An issuer's key set cannot be fetched; told once until it can. */
  failed(url: string, reason: string): void;
  /** An issuer's key set was fetched after a failure. */
  fetched(url: string): void;
}

/** Tells nobody. */
export const unobserved: KeyObserver = { changed() {}, failed() {}, fetched() {} };
