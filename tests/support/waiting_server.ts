/**
 * A server whose store cannot be reached yet.
 *
 * @module
 */
import { ChildProcess } from "./child_process.ts";
import { commandLine, type ServerOptions, withDefaults } from "./server_command.ts";

/** Starts a server, and waits until it says that it waits for its store. */
export async function startWaitingServer(
  store: string,
  options: ServerOptions = {},
): Promise<ChildProcess> {
  const command = commandLine(withDefaults(["-store", store]), options);
  const process = await ChildProcess.spawn(...command);
  try {
    await process.stderr.waitFor(/ warn waiting for the store /);
    return process;
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
}
