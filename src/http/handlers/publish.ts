import { BadField, HttpError } from "../../lib/errors.ts";
import { headerText } from "../../lib/shown_text.ts";
import { readEmit } from "../../requests/emit_request.ts";
import { answer, wantsJson } from "../answers.ts";
import { contentTypeOf, readFields } from "../body.ts";
import type { Caller } from "../caller.ts";
import type { RouteHandler } from "../router.ts";
import { EmitNotes } from "./emit_notes.ts";
import { emitTargetOf, type PublishDeps, publishLines } from "./publish_ndjson.ts";

const NDJSON = "application/x-ndjson";

/** `POST /emit/`: publishes one payload, or a stream of them as NDJSON. */
export function publishHandler(deps: PublishDeps): RouteHandler {
  const { broker, bodyLimits, emitRates, maxPayloadBytes, refusedEmits } = deps;
  const notes = new EmitNotes(deps);
  return async ({ request, query, caller }) => {
    const contentType = contentTypeOf(request);
    const key = request.headers.get("Idempotency-Key") ?? undefined;
    if (contentType === NDJSON) {
      return answerLines(request, key, caller, deps, notes);
    }
    emitRates?.check(caller);
    const fields = await readFields(request, contentType, query, bodyLimits, [NDJSON]);
    try {
      const emit = readEmit(fields, maxPayloadBytes, key);
      caller.requireFor("emit", [emit.channel]);
      emitRates?.take(caller, emit.drafts.length);
      const [outcome] = await broker.publish([emit]);
      if (outcome === undefined || outcome instanceof Error) throw outcome;
      const noted = notes.on(emit, outcome, caller);
      const note = noted && await noted;
      if (wantsJson(request)) {
        return answer(200, note === undefined ? outcome : { ...outcome, note });
      }
      // The runtime's own headers for a text: naming them would take as long as the rest of the answer.
      if (note === undefined) return new Response("OK");
      return new Response("OK", { headers: { "SSE-Note": headerText(note) } });
    } catch (error) {
      if (error instanceof HttpError) {
        refusedEmits.note(error, caller.keyName, emitTargetOf(fields));
      }
      throw error;
    }
  };
}

function answerLines(
  request: Request,
  key: string | undefined,
  caller: Caller,
  deps: PublishDeps,
  notes: EmitNotes,
): Response {
  if (key !== undefined) {
    throw new BadField(
      "Idempotency-Key",
      "Bad header Idempotency-Key: with NDJSON give each line its own idempotencyKey.",
    );
  }
  const lines = request.body ?? new Blob([]).stream();
  return new Response(
    publishLines(lines, caller, deps, notes) as ReadableStream<Uint8Array<ArrayBuffer>>,
    {
      headers: { "Content-Type": "application/x-ndjson", "Cache-Control": "no-store" },
    },
  );
}
