import type { Broker } from "../../broker/broker.ts";
import type { Hub } from "../../hub/hub.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../observability/logger.ts";
import type { TokenAuthority } from "../../auth/token_authority.ts";
import { BadField, MethodNotAllowed, NotFound } from "../../lib/errors.ts";
import { readEmit } from "../../requests/emit_request.ts";
import { readTokenRequest } from "../../requests/token_request.ts";
import { answer, answerError, wantsJson } from "../answers.ts";
import { contentTypeOf, maxBodyBytes, readFields } from "../body.ts";
import type { ControlAccess } from "../control_access.ts";
import { publishLines } from "./publish_ndjson.ts";
import { type Target, targetOf } from "../target.ts";

/** What the control listener works with. */
export interface ControlDeps {
  readonly hub: Hub;
  readonly broker: Broker;
  readonly tokens: TokenAuthority;
  readonly access: ControlAccess;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly maxPayloadBytes: number;
  /** Whether both listeners accept connections now. */
  readonly healthy: () => boolean;
}

type Query = Target["query"];

/** The listener that back ends reach: `POST /emit/`, `POST /token/`, `GET /healthz`. */
export class ControlHandler {
  readonly #deps: ControlDeps;

  constructor(deps: ControlDeps) {
    this.#deps = deps;
  }

  /** Answers one request; never throws. */
  async handle(request: Request): Promise<Response> {
    try {
      this.#deps.access.check(request);
      const { path, query } = targetOf(request);
      switch (path) {
        case "/emit":
        case "/emit/":
          requireMethod(request, "POST");
          return await this.#emit(request, query);
        case "/token":
        case "/token/":
          requireMethod(request, "POST");
          return await this.#token(request, query);
        case "/healthz":
          requireMethod(request, "GET", "HEAD");
          return this.#health(request);
        default:
          throw new NotFound("Not found: use /emit/, /token/ or /healthz.");
      }
    } catch (error) {
      return answerError(error, request, this.#deps.logger);
    }
  }

  async #emit(request: Request, query: Query): Promise<Response> {
    const { hub, maxPayloadBytes } = this.#deps;
    const contentType = contentTypeOf(request);
    const key = request.headers.get("Idempotency-Key") ?? undefined;
    if (contentType === "application/x-ndjson") return this.#emitLines(request, key);
    const fields = await readFields(request, contentType, query, maxBodyBytes(maxPayloadBytes));
    const [outcome] = await hub.publish([readEmit(fields, maxPayloadBytes, key)]);
    if (outcome === undefined || outcome instanceof Error) throw outcome;
    // The runtime's own headers for a text: naming them would take as long as the rest of the answer.
    return wantsJson(request) ? answer(200, outcome) : new Response("OK");
  }

  #emitLines(request: Request, key: string | undefined): Response {
    if (key !== undefined) {
      throw new BadField(
        "Idempotency-Key",
        "Bad header Idempotency-Key: with NDJSON give each line its own idempotencyKey.",
      );
    }
    const lines = request.body ?? new Blob([]).stream();
    return new Response(
      publishLines(lines, this.#deps) as ReadableStream<Uint8Array<ArrayBuffer>>,
      {
        headers: { "Content-Type": "application/x-ndjson", "Cache-Control": "no-store" },
      },
    );
  }

  async #token(request: Request, query: Query): Promise<Response> {
    const { tokens, clock, maxPayloadBytes } = this.#deps;
    const limit = maxBodyBytes(maxPayloadBytes);
    const fields = await readFields(request, contentTypeOf(request), query, limit);
    const token = await tokens.sign(
      readTokenRequest(fields),
      clock.wall() / 1000,
    );
    return answer(200, wantsJson(request) ? { token } : token);
  }

  #health(request: Request): Response {
    const { hub, broker, healthy } = this.#deps;
    const status = healthy() ? "ok" : "not accepting";
    const body = wantsJson(request)
      ? {
        status,
        store: broker.unavailableReason ?? "ok",
        subscribers: hub.size,
        endings: hub.disconnects,
      }
      : `${status}\n`;
    return answer(healthy() ? 200 : 503, body);
  }
}

function requireMethod(request: Request, ...allowed: readonly string[]): void {
  if (!allowed.includes(request.method)) throw new MethodNotAllowed(allowed.join(", "));
}
