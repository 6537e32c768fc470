/**
 * Why a stream ended. The names are what the log says, and what metrics will count by.
 *
 * - `client left`: the client, or a proxy between, closed the connection.
 * - `token expired`: the token's `exp` passed while the stream was open.
 * - `too slow`: unsent bytes were waiting and the client took none for the stall time.
 * - `draining`: the server is shutting down; the client was told when to come back.
 * - `over the limit`: the server held its maximum of connections; the client was told when to come back.
 * - `server error`: a failure of this server, logged with its cause.
 */
export type DisconnectReason =
  | "client left"
  | "token expired"
  | "too slow"
  | "draining"
  | "over the limit"
  | "server error";
