/**
 * Why a stream ended. The log, `/healthz` and the metrics use these names.
 *
 * - `client left`: the client, or a proxy on the way, closed the connection.
 * - `token expired`: the token's `exp` passed while the stream was open.
 * - `too slow`: the client accepted none of its unsent bytes for the stall time.
 * - `draining`: the server is shutting down; the client was told when to reconnect.
 * - `over the limit`: the server held its maximum of connections; the client was told when to reconnect.
 * - `over the user limit`: the user had as many streams as one may; the client was told when to reconnect.
 * - `over the address limit`: likewise, the client's address.
 * - `key gone`: the key that the token is signed with is no longer one of the server's.
 * - `revoked`: the token, or a channel that the stream heard by it, was revoked.
 * - `disconnected`: an operator ended it; the client was told when to reconnect.
 * - `keys unavailable`: the keys of the token's issuer are not known yet; the client was told when to reconnect.
 * - `server error`: this server failed; the log has the cause.
 */
export const DISCONNECT_REASONS = [
  "client left",
  "token expired",
  "too slow",
  "draining",
  "over the limit",
  "over the user limit",
  "over the address limit",
  "key gone",
  "revoked",
  "disconnected",
  "keys unavailable",
  "server error",
] as const;

/** One of {@link DISCONNECT_REASONS}. */
export type DisconnectReason = typeof DISCONNECT_REASONS[number];
