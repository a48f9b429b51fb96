/** The connection pool to PostgreSQL, and one-line reasons why it cannot be reached. */

import type { Socket } from "node:net";
import { Client, Pool, type ClientConfig } from "pg";
import { parseDatabaseUrl } from "./database-url";
import { log } from "./log";

const CONNECT_TIMEOUT_MS = 3_000;
/** With all connections busy, a request waits for its turn, which is not the database's fault. */
const TURN_TIMEOUT_MS = 15_000;
/** A query without an answer for longer belongs to a server that is gone. */
const ANSWER_TIMEOUT_MS = 6_000;

export function clientConfig(databaseUrl: string): ClientConfig {
  return {
    ...parseDatabaseUrl(databaseUrl),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: "todo-frontend",
  };
}

/**
 * A connection that is closed when the server stops to answer. node-postgres has a query_timeout,
 * too, but hands a connection that still waits for its answer back to the pool.
 */
class BoundedClient extends Client {
  constructor(config?: ClientConfig) {
    // The pool has one limit for waiting and connecting, and hides the password from enumeration.
    super({ ...config, password: config?.password, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
    // While it is in use, nobody else listens: its query fails with the same error.
    this.on("error", () => undefined);
    type Query = (...args: unknown[]) => unknown;
    const send = super.query.bind(this) as Query;
    const query: Query = (...args) => {
      const timer = setTimeout(() => this.abandon(), ANSWER_TIMEOUT_MS);
      const callback = args.at(-1);
      if (typeof callback === "function") {
        args[args.length - 1] = (...result: unknown[]) => {
          clearTimeout(timer);
          (callback as Query)(...result);
        };
        return send(...args);
      }
      return (send(...args) as Promise<unknown>).finally(() => clearTimeout(timer));
    };
    this.query = query as typeof this.query;
  }

  private abandon(): void {
    // node-postgres has no public name for the socket.
    const { connection } = this as unknown as { connection: { stream: Socket } };
    connection.stream.destroy(new Error("no answer from the database (timeout)"));
  }
}

/** A pool that survives restarts of the database and never waits for it without a bound. */
export function createPool(databaseUrl: string): Pool {
  const pool = new Pool({
    ...clientConfig(databaseUrl),
    Client: BoundedClient,
    connectionTimeoutMillis: TURN_TIMEOUT_MS,
    max: 8,
    idleTimeoutMillis: 30_000,
  });
  // Without a listener, an idle connection that the server closes would end the process.
  pool.on("error", (error) => log("warn", `database connection lost: ${databaseCause(error)}`));
  return pool;
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
  if (/^timeout|timed out/i.test(message)) {
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
