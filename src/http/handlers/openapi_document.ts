import type { RouteHandler } from "../router.ts";
import { answer } from "../answers.ts";

/** `GET /openapi.json`: the description of both listeners, the same for everybody. */
export function openApiHandler(): RouteHandler {
  return async () => {
    // Imported only when asked for, as the pages are. Not as text: below node_modules Deno 2.9.6 refuses that for JSON.
    const { default: description } = await import("./openapi.json", { with: { type: "json" } });
    return answer(200, description);
  };
}
