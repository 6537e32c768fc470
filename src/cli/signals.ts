/** Waits for SIGTERM or SIGINT. By default, the process would ignore both as PID 1 of a container. */
export function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      Deno.addSignalListener(signal, () => resolve(signal));
    }
  });
}

/**
 * Calls back at each SIGHUP, which from now on does not end the process. Windows has no such signal:
 * there it means that the console was closed.
 */
export function onReloadSignal(reload: () => void): void {
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGHUP", reload);
}

/**
 * Calls back at SIGUSR1. V8 opens its debugger on 127.0.0.1:9229 at this signal, whoever else listens to it:
 * only whoever starts the process can block it.
 */
export function onDebuggerSignal(tell: () => void): void {
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGUSR1", tell);
}
