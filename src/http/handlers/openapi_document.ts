import type { RouteHandler } from "../router.ts";
import { answer } from "../answers.ts";

/** `GET /openapi.json`: the description of both listeners, the same for everybody. */
export function openApiHandler(): RouteHandler {
  return async () => {
    // Imported only when asked for, as the pages are.
    const { default: text } = await import("./openapi.json", { with: { type: "text" } });
    return answer(200, text, { "Content-Type": "application/json" });
  };
}
