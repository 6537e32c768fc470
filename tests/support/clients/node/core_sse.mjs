import { createSseStream } from "@azure/core-sse";

export async function listenOnce(url, token, lastId, onEvent) {
  const headers = { Authorization: `Bearer ${token}` };
  if (lastId !== undefined) headers["Last-Event-ID"] = lastId;
  const response = await fetch(url, { headers });
  if (response.status !== 200) {
    throw Object.assign(new Error("refused"), { status: response.status });
  }
  for await (const { id, event, data } of createSseStream(response.body)) {
    onEvent({ id, type: event || "message", data });
  }
}
