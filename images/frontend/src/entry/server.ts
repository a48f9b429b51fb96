/** Starts the Next.js server, after the environment has been checked. */

import diagnostics from "node:diagnostics_channel";
import type http from "node:http";
import os from "node:os";
import { ConfigError, readConfig } from "@/server/config";
import { log } from "@/server/log";

const EXIT_CONFIG = 78;
/** Kubernetes kills after 30 s by default; open requests get less. */
const STOP_TIMEOUT_MS = 8_000;

try {
  readConfig(process.env);
  process.env.PORT = String(readPort(process.env.PORT));
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(EXIT_CONFIG);
}

function readPort(text: string | undefined): number {
  const port = Number(text?.trim() || 3000);
  if (Number.isInteger(port) && port > 0 && port < 65536) return port;
  throw new ConfigError("PORT", "is not a port number", "use a number from 1 to 65535");
}

// A container engine sets HOSTNAME to the container's name; listening on that address alone
// would leave 127.0.0.1 and forwarded ports without an answer.
if (!process.env.HOSTNAME || process.env.HOSTNAME === os.hostname()) {
  process.env.HOSTNAME = "0.0.0.0";
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    log("info", `${signal}: finishing open requests, then stopping`);
    process.on("exit", () => {
      process.exitCode = 0;
    });
    // A connection that becomes idle now would otherwise hold the server until it times out.
    diagnostics.subscribe("http.server.response.finish", (message) => {
      setImmediate(() => (message as { server: http.Server }).server.closeIdleConnections());
    });
    // Next.js closes its server with a listener of its own; before that is there, nothing is open.
    if (process.listenerCount(signal) === 0) process.exit(0);
    setTimeout(() => process.exit(0), STOP_TIMEOUT_MS).unref();
  });
}

// The path is that of the built output, beside this file there.
const nextServer = new URL("./server.js", import.meta.url).href;
await import(nextServer);
