import type { Broker } from "../hub/broker.ts";
import type { Hub } from "../hub/hub.ts";
import type { Clock } from "../parts/clock.ts";
import type { Logger } from "../parts/logger.ts";
import type { TokenAuthority } from "../parts/token.ts";
import { BadField, MethodNotAllowed, NotFound } from "../words/errors.ts";
import { readEmit, readTokenRequest } from "../words/requests.ts";
import { answer, answerError, wantsJson } from "./answer.ts";
import { maxBodyBytes, readFields } from "./body.ts";
import type { Guard } from "./guard.ts";
import { publishLines } from "./ndjson.ts";

/** What the control listener works with. */
export interface ControlParts {
  readonly hub: Hub;
  readonly broker: Broker;
  readonly tokens: TokenAuthority;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly maxPayloadBytes: number;
  /** Whether both listeners accept connections now. */
  readonly healthy: () => boolean;
}

/** The listener that back ends reach: `POST /emit/`, `POST /token/`, `GET /healthz`. */
export class ControlListener {
  readonly #parts: ControlParts;

  constructor(parts: ControlParts) {
    this.#parts = parts;
  }

  /** Answers one request; never throws. */
  async handle(request: Request): Promise<Response> {
    try {
      this.#parts.guard.check(request);
      const url = new URL(request.url);
      switch (url.pathname) {
        case "/emit":
        case "/emit/":
          requireMethod(request, "POST");
          return await this.#emit(request, url);
        case "/token":
        case "/token/":
          requireMethod(request, "POST");
          return await this.#token(request, url);
        case "/healthz":
          requireMethod(request, "GET");
          return this.#health(request);
        default:
          throw new NotFound("Not found: use /emit/, /token/ or /healthz.");
      }
    } catch (error) {
      return answerError(error, request, this.#parts.logger);
    }
  }

  async #emit(request: Request, url: URL): Promise<Response> {
    const { broker, maxPayloadBytes } = this.#parts;
    const key = request.headers.get("Idempotency-Key") ?? undefined;
    if (isNdjson(request)) {
      if (key !== undefined) {
        throw new BadField(
          "Idempotency-Key",
          "Bad header Idempotency-Key: with NDJSON give each line its own idempotencyKey.",
        );
      }
      const body = request.body ?? new Blob([]).stream();
      return new Response(
        publishLines(body, this.#parts) as ReadableStream<
          Uint8Array<ArrayBuffer>
        >,
        {
          headers: {
            "Content-Type": "application/x-ndjson",
            "Cache-Control": "no-store",
          },
        },
      );
    }
    const fields = await readFields(
      request,
      url,
      maxBodyBytes(maxPayloadBytes),
    );
    const [outcome] = await broker.publish([
      readEmit(fields, maxPayloadBytes, key),
    ]);
    if (outcome === undefined || outcome instanceof Error) throw outcome;
    return answer(200, wantsJson(request) ? outcome : "OK");
  }

  async #token(request: Request, url: URL): Promise<Response> {
    const { tokens, clock, maxPayloadBytes } = this.#parts;
    const fields = await readFields(
      request,
      url,
      maxBodyBytes(maxPayloadBytes),
    );
    const token = await tokens.sign(
      readTokenRequest(fields),
      clock.wall() / 1000,
    );
    return answer(200, wantsJson(request) ? { token } : token);
  }

  #health(request: Request): Response {
    const { hub, healthy } = this.#parts;
    const status = healthy() ? "ok" : "not accepting";
    const body = wantsJson(request)
      ? { status, subscribers: hub.size, endings: hub.endings }
      : `${status}\n`;
    return answer(healthy() ? 200 : 503, body);
  }
}

function requireMethod(request: Request, method: "GET" | "POST"): void {
  if (request.method !== method) throw new MethodNotAllowed(method);
}

function isNdjson(request: Request): boolean {
  const type = request.headers.get("Content-Type")?.split(";", 1)[0]?.trim()
    .toLowerCase();
  return type === "application/x-ndjson" || type === "application/ndjson";
}
