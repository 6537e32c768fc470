import type { Right } from "../auth/control_rights.ts";
import { type HttpError, MethodNotAllowed, NotFound } from "../lib/errors.ts";
import { shown } from "../lib/shown_text.ts";
import { hideTokens } from "../lib/token_text.ts";
import type { Logger } from "../observability/logger.ts";
import { answerError, toHttpError } from "./answers.ts";
import { Caller } from "./caller.ts";
import { targetOf } from "./target.ts";

/** The parts of `Deno.ServeHandlerInfo` that tell of a connection. */
export interface Connection {
  /** Settles once it is done with the answer. */
  readonly completed: Promise<void>;
  /** Its other end. Default: nobody knows. */
  readonly remoteAddr?: { readonly transport: string; readonly hostname?: string };
}

/** A request that has found its route. */
export interface RoutedRequest {
  readonly request: Request;
  readonly query: URLSearchParams | undefined;
  /** The segment that the route's path calls `:name`, percent-decoded; empty where it has none. */
  readonly name: string;
  readonly connection: Connection;
  readonly caller: Caller;
}

/** Answers a request; what it throws becomes an answer too. */
export type RouteHandler = (routed: RoutedRequest) => Response | Promise<Response>;

/** Requests that one handler answers. */
export interface Route {
  /**
   * `/emit/` also stands for `/emit`, `/healthz` for itself alone. In `/channels/:name` and in
   * `/channels/:name/history`, `:name` is any one segment, which is not empty.
   */
  readonly path: string;
  readonly methods: readonly string[];
  /** The right that a caller must have, before the handler is asked. Default: the guard is enough. */
  readonly needs?: Right | undefined;
  readonly handle: RouteHandler;
}

/** A request that was answered, in names of this program and of its operator only. */
export interface Answered {
  readonly method: string;
  /** The route's path, such as `/channels/:name`. */
  readonly path: string;
  readonly status: number;
  readonly caller: Caller;
}

/** What a router works with. */
export interface RouterDeps {
  /** Several routes of one path have different methods. */
  readonly routes: readonly Route[];
  /** What a request for any other path is advised to do, as the end of a sentence. */
  readonly notFound: (path: string) => string;
  readonly logger: Logger;
  /** Runs before anything else, and tells who sends a request; throws to refuse it. Default: a stranger. */
  readonly guard?: (request: Request) => Caller;
  /**
   * Is told of each error that a request was answered with, and of the path of the routes that it found, though
   * none may have its method; `undefined` if it found none. Default: nobody is.
   */
  readonly onRefusal?: (
    error: HttpError,
    caller: Caller,
    path: string | undefined,
    request: Request,
  ) => void;
  /** Is told of each request that a handler has answered. Default: nobody is. */
  readonly onAnswer?: (answered: Answered) => void;
  /** Headers that each answer gets besides its own, errors too. Default: none. */
  readonly headers?: (request: Request) => Readonly<Record<string, string>>;
}

const GONE: Connection = { completed: Promise.resolve() };

/** The segment of a path that holds a name. */
const NAME = ":name";

/** The routes of one path. */
interface PathRoutes {
  /** With `:name` in it. */
  readonly path: string;
  readonly byMethod: Map<string, Route>;
}

/** The routes of a request's path, and what they are told of its target. */
interface Match extends Pick<RoutedRequest, "query" | "name"> {
  readonly routes: PathRoutes;
}

/** One listener's table of routes: finds a request's handler, and turns errors into answers. */
export class Router {
  readonly #deps: RouterDeps;
  readonly #paths = new Map<string, PathRoutes>();
  /** By the path, with `:name` in it. */
  readonly #named = new Map<string, PathRoutes>();

  constructor(deps: RouterDeps) {
    this.#deps = deps;
    for (const route of deps.routes) this.#add(route);
  }

  /** Every route. */
  get routes(): readonly Route[] {
    return this.#deps.routes;
  }

  /** Answers one request; never throws. At once if the handler does: the runtime has a shorter way for that. */
  handle(request: Request, connection: Connection = GONE): Response | Promise<Response> {
    const { guard, onAnswer } = this.#deps;
    let caller = Caller.stranger;
    let path: string | undefined;
    const refused = (error: unknown) =>
      this.#addHeaders(this.#refuse(error, request, caller, path), request);
    try {
      if (guard !== undefined) caller = guard(request);
      const { routes, query, name } = this.#match(request);
      path = routes.path;
      const route = routes.byMethod.get(request.method);
      if (route === undefined) throw new MethodNotAllowed([...routes.byMethod.keys()].join(", "));
      if (route.needs !== undefined) caller.require(route.needs);
      const answered = (response: Response) => {
        onAnswer?.({ method: request.method, path: routes.path, status: response.status, caller });
        return this.#addHeaders(response, request);
      };
      const response = route.handle({ request, query, name, connection, caller });
      return response instanceof Promise
        ? response.then(answered).catch(refused)
        : answered(response);
    } catch (error) {
      return refused(error);
    }
  }

  #refuse(
    error: unknown,
    request: Request,
    caller: Caller,
    path: string | undefined,
  ): Response {
    const { logger, onRefusal } = this.#deps;
    const failure = toHttpError(error, logger);
    onRefusal?.(failure, caller, path, request);
    return answerError(failure, request, logger);
  }

  #addHeaders(response: Response, request: Request): Response {
    const { headers } = this.#deps;
    if (headers === undefined) return response;
    for (const [name, value] of Object.entries(headers(request))) {
      // Appended, as answers have a Vary of their own.
      response.headers.append(name, value);
    }
    return response;
  }

  #add(route: Route): void {
    const { path } = route;
    const isNamed = path.includes(`/${NAME}`);
    const table = isNamed ? this.#named : this.#paths;
    let routes = table.get(path);
    if (routes === undefined) {
      table.set(path, routes = { path, byMethod: new Map() });
      if (!isNamed && path.endsWith("/")) table.set(path.slice(0, -1), routes);
    }
    for (const method of route.methods) routes.byMethod.set(method, route);
  }

  /** @throws NotFound */
  #match(request: Request): Match {
    const { path, query } = targetOf(request);
    const routes = this.#paths.get(path);
    if (routes !== undefined) return { routes, query, name: "" };
    const [, collection = "", segment = "", rest = ""] = /^(\/[^/]+\/)([^/]+)(\/.+)?$/.exec(path) ??
      [];
    const named = this.#named.get(`${collection}${NAME}${rest}`);
    const name = named && decode(segment);
    if (named === undefined || !name) {
      const advice = this.#deps.notFound(path);
      throw new NotFound(
        `Not found: ${shown(hideTokens(path))} is not served here: ${advice}.`,
        `Not found: ${advice}.`,
      );
    }
    return { routes: named, query, name };
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
