/**
 * What servers on one Redis say to each other, as JSON.
 *
 * @module
 */

/** A message, which names the server that sends it. */
export type PeerMessage =
  | {
    readonly kind: "question";
    readonly from: string;
    readonly id: number;
    readonly name: string;
    readonly args: readonly unknown[];
  }
  /** Without `answer` where there is none: to wait for it is of no use. */
  | {
    readonly kind: "answer";
    readonly from: string;
    readonly id: number;
    readonly answer?: unknown;
  }
  /** A sign of life, or the last one: the server stops. */
  | { readonly kind: "here" | "goodbye"; readonly from: string };

/** Reads a message; `undefined` for what this version does not understand. */
export function parseMessage(text: string): PeerMessage | undefined {
  const message = parseObject(text);
  if (typeof message?.from !== "string") return undefined;
  const { kind, id, name, args } = message;
  const isNamed = typeof name === "string" && Array.isArray(args);
  const isKnown = kind === "here" || kind === "goodbye" ||
    typeof id === "number" && (kind === "answer" || kind === "question" && isNamed);
  return isKnown ? message as unknown as PeerMessage : undefined;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null
      ? value as Record<string, unknown>
      : undefined;
  } catch {
    return undefined;
  }
}
