/** The connection pool to PostgreSQL, and one-line reasons why it cannot be reached. */

import { Client, Pool, type ClientConfig, type PoolClient } from "pg";
import { parseDatabaseUrl } from "./database-url";
import { log } from "./log";

const CONNECT_TIMEOUT_MS = 3_000;
/** With all connections busy, a request waits for its turn, which is not the database's fault. */
const TURN_TIMEOUT_MS = 15_000;
/** A busy connection that is silent for longer belongs to a server that is gone. */
const SILENCE_TIMEOUT_MS = 5_000;

export function clientConfig(databaseUrl: string): ClientConfig {
  return {
    ...parseDatabaseUrl(databaseUrl),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: "todo-frontend",
  };
}

// The pool knows one limit for both waiting and connecting, and hands it to its clients.
class QuicklyConnectingClient extends Client {
  constructor(config?: ClientConfig) {
    // The pool hides the password from enumeration.
    super({ ...config, password: config?.password, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  }
}

/** A pool that survives restarts of the database and never waits for it without a bound. */
export function createPool(databaseUrl: string): Pool {
  const pool = new Pool({
    ...clientConfig(databaseUrl),
    Client: QuicklyConnectingClient,
    connectionTimeoutMillis: TURN_TIMEOUT_MS,
    max: 8,
    idleTimeoutMillis: 30_000,
  });
  // Without a listener, an idle connection that the server closes would end the process.
  pool.on("error", (error) => log("warn", `database connection lost: ${databaseCause(error)}`));
  pool.on("connect", (client) => {
    const socket = socketOf(client);
    socket?.on("timeout", () => socket.destroy(new Error("no answer from the database")));
  });
  pool.on("acquire", (client) => socketOf(client)?.setTimeout(SILENCE_TIMEOUT_MS));
  pool.on("release", (_error, client) => socketOf(client)?.setTimeout(0));
  return pool;
}

interface Socket {
  setTimeout(milliseconds: number): void;
  destroy(error: Error): void;
  on(event: "timeout", listener: () => void): void;
}

// node-postgres has no public name for the socket, and its own query_timeout hands a connection
// that still waits for an answer back to the pool.
function socketOf(client: PoolClient): Socket | undefined {
  return (client as unknown as { connection?: { stream?: Socket } }).connection?.stream;
}

/** Why the database did not answer, in words, without anything secret. */
export function databaseCause(error: unknown): string {
  const { code, message } = flatten(error);
  switch (code) {
    case "ENOTFOUND":
      return "its host name does not resolve (ENOTFOUND)";
    case "EAI_AGAIN":
      return "its host name cannot be resolved at the moment (EAI_AGAIN)";
    case "ECONNREFUSED":
      return "connection refused (ECONNREFUSED)";
    case "28P01":
      return "the password was not accepted (28P01)";
    case "28000":
      return "the user was not accepted (28000)";
    case "3D000":
      return "the database does not exist (3D000)";
    case "57P03":
      return "the database is starting up (57P03)";
  }
  if (/timeout|timed out/i.test(message)) {
    return `no answer within ${CONNECT_TIMEOUT_MS / 1000} s (timeout)`;
  }
  return code ? `${message} (${code})` : message;
}

function flatten(error: unknown): { code: string | undefined; message: string } {
  // A host name with several addresses fails with one error an address.
  if (error instanceof AggregateError && error.errors.length > 0) return flatten(error.errors[0]);
  if (!(error instanceof Error)) return { code: undefined, message: String(error) };
  const code = (error as NodeJS.ErrnoException).code;
  // Better Auth wraps what the database said.
  if (code === undefined && error.cause instanceof Error) return flatten(error.cause);
  return { code: typeof code === "string" ? code : undefined, message: error.message };
}

/** True for errors that mean "not reachable now", as opposed to a mistake in a query. */
export function isDatabaseDown(error: unknown): boolean {
  const { code, message } = flatten(error);
  if (code && /^(E[A-Z_]+|08...|28...|3D000|53...|57P..)$/.test(code)) return true;
  return /timeout|timed out|terminat|no answer|not queryable|Connection (ended|closed)/i.test(message);
}
