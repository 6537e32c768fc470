import { type HttpError, MethodNotAllowed, NotFound } from "../lib/errors.ts";
import type { Logger } from "../observability/logger.ts";
import { answerError, toHttpError } from "./answers.ts";
import { targetOf } from "./target.ts";

/** The part of `Deno.ServeHandlerInfo` that tells when a connection is done with an answer. */
export interface Connection {
  readonly completed: Promise<void>;
}

/** A request that has found its route. */
export interface RoutedRequest {
  readonly request: Request;
  readonly query: URLSearchParams | undefined;
  /** The segment that the route's path calls `:name`, percent-decoded; empty where it has none. */
  readonly name: string;
  /** Settles once the runtime has let go of the answer's connection. */
  readonly connection: Connection;
}

/** Answers a request; what it throws becomes an answer too. */
export type RouteHandler = (routed: RoutedRequest) => Response | Promise<Response>;

/** Requests that one handler answers. */
export interface Route {
  /**
   * `/emit/` also stands for `/emit`, `/healthz` for itself alone; `/channels/:name` for any one
   * segment in that place, which is not empty.
   */
  readonly path: string;
  readonly methods: readonly string[];
  readonly handle: RouteHandler;
}

/** What a router works with. */
export interface RouterDeps {
  /** Several routes of one path have different methods. */
  readonly routes: readonly Route[];
  /** What a request for any other path is told. */
  readonly notFound: string;
  readonly logger: Logger;
  /** Runs before anything else; throws to refuse a request. */
  readonly guard?: (request: Request) => void;
  /** Is told of each error that a request was answered with. Default: nobody is. */
  readonly onRefusal?: (error: HttpError) => void;
  /** Headers that each answer gets besides its own, errors too. Default: none. */
  readonly headers?: (request: Request) => Readonly<Record<string, string>>;
}

const GONE: Connection = { completed: Promise.resolve() };

/** The end of a path that holds a name. */
const NAME = ":name";

/** The handlers of one path, by method. */
type Handlers = Map<string, RouteHandler>;

/** One listener's table of routes: finds a request's handler, and turns errors into answers. */
export class Router {
  readonly #deps: RouterDeps;
  readonly #paths = new Map<string, Handlers>();
  /** By what stands before the name, with its slash. */
  readonly #named = new Map<string, Handlers>();

  constructor(deps: RouterDeps) {
    this.#deps = deps;
    for (const route of deps.routes) this.#add(route);
  }

  /** Answers one request; never throws. */
  async handle(request: Request, connection: Connection = GONE): Promise<Response> {
    const { guard, headers, logger, onRefusal } = this.#deps;
    let response: Response;
    try {
      guard?.(request);
      response = await this.#route(request, connection);
    } catch (error) {
      const failure = toHttpError(error, logger);
      onRefusal?.(failure);
      response = answerError(failure, request, logger);
    }
    if (headers !== undefined) {
      for (const [name, value] of Object.entries(headers(request))) {
        response.headers.append(name, value);
      }
    }
    return response;
  }

  #add({ path, methods, handle }: Route): void {
    const isNamed = path.endsWith(`/${NAME}`);
    const table = isNamed ? this.#named : this.#paths;
    const key = isNamed ? path.slice(0, -NAME.length) : path;
    let handlers = table.get(key);
    if (handlers === undefined) {
      table.set(key, handlers = new Map());
      if (!isNamed && path.endsWith("/")) table.set(path.slice(0, -1), handlers);
    }
    for (const method of methods) handlers.set(method, handle);
  }

  #route(request: Request, connection: Connection): Response | Promise<Response> {
    const { path, query } = targetOf(request);
    const { handlers, name } = this.#find(path);
    const handle = handlers.get(request.method);
    if (handle === undefined) throw new MethodNotAllowed([...handlers.keys()].join(", "));
    return handle({ request, query, name, connection });
  }

  #find(path: string): { readonly handlers: Handlers; readonly name: string } {
    const handlers = this.#paths.get(path);
    if (handlers !== undefined) return { handlers, name: "" };
    const nameStart = path.lastIndexOf("/") + 1;
    const named = this.#named.get(path.slice(0, nameStart));
    const name = named && decode(path.slice(nameStart));
    if (named === undefined || !name) throw new NotFound(this.#deps.notFound);
    return { handlers: named, name };
  }
}

/** `undefined` for what is not well-formed, which names nothing. */
function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
