/** `connecting` until the stream is open and whenever it is not; `closed` for good. */
export type State = "connecting" | "open" | "closed";

/** Why events are missing. */
export interface Gap {
  /** The id from which the client tried to go on. */
  readonly asked: string;
  /** The oldest event that is still to be had; `null` if there is none, or if it is not known. */
  readonly oldest: string | null;
}

/** A token, or an answer that has nothing but a token in its body. */
export type Token = string | Response;

export interface ConnectOptions {
  /**
   * The token, or what gets one: it is called for the first stream, and again whenever the server refuses the
   * token or it has expired. Default: none; then the browser sends the cookies that it has for the server.
   */
  readonly token?: string | (() => Token | Promise<Token>);
  /**
   * Tabs of an origin with the same URL share one stream if the claims `userId` and `channel` of their tokens are
   * the same. A text takes the place of both: it must name the user. `false` is a stream for this tab alone.
   */
  readonly share?: string | false;
  /** Where to begin, such as the `lastEventId` that `/token/` answers. Default: with the next event. */
  readonly lastEventId?: string;
  /** Called when events are missing: load anew what the page shows. */
  readonly gap?: (gap: Gap) => void;
  /** Called when the state changes. */
  readonly state?: (state: State, reason: string | undefined) => void;
  /** A stream that brings no byte for so long, in milliseconds, is opened anew. Default: 45,000. */
  readonly silenceMs?: number;
}

export interface Connection {
  readonly state: State;
  /**
   * Calls a function for each event of a type; `message` is the type of events that name none.
   *
   * @returns a function that ends this.
   */
  on(type: string, handler: (data: string, event: MessageEvent<string>) => void): () => void;
  /** The same with data that is parsed as JSON. Data that is not JSON is reported as an error of the page. */
  on<T = unknown>(
    type: string,
    handler: (data: T, event: MessageEvent<string>) => void,
    options: { readonly json: true },
  ): () => void;
  /** Ends it for this tab; other tabs go on. */
  close(): void;
}

/**
 * Listens to the events of a server.
 *
 * @param url the stream's address, such as `/events/`, relative to the page's.
 */
export function connect(url: string | URL, options?: ConnectOptions): Connection;
