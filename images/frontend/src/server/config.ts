/** The server's configuration: read from the environment while it runs, never while it is built. */

import { DatabaseUrlError, parseDatabaseUrl } from "./database-url";

export const MIN_SECRET_LENGTH = 32;

export interface Config {
  readonly databaseUrl: string;
  readonly authSecret: string;
  /** The backend as this server reaches it, without a trailing slash. */
  readonly apiUrl: string;
  /** The origin that people use, when it is fixed; otherwise each request's own Host counts. */
  readonly publicOrigin: string | null;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable is missing or wrong. The message is one line and holds no secret. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(
    readonly variable: string,
    problem: string,
    hint: string,
  ) {
    super(`configuration error: ${variable} ${problem}; ${hint}`);
  }
}

/** Read and check all variables; throws ConfigError for the first that is missing or wrong. */
export function readConfig(env: Environment): Config {
  const databaseUrl = required(
    env,
    "DATABASE_URL",
    "set it to postgresql://user:password@host:5432/database",
  );
  const authSecret = required(
    env,
    "BETTER_AUTH_SECRET",
    `set it to at least ${MIN_SECRET_LENGTH} random characters, the same as the backend's`,
  );
  const apiUrl = required(
    env,
    "NEXT_PUBLIC_API_URL",
    "set it to the backend's address in the cluster, such as http://backend-svc:8000",
  );
  try {
    parseDatabaseUrl(databaseUrl);
  } catch (error) {
    if (!(error instanceof DatabaseUrlError)) throw error;
    throw new ConfigError("DATABASE_URL", error.problem, error.hint);
  }
  if (authSecret.length < MIN_SECRET_LENGTH) {
    throw new ConfigError(
      "BETTER_AUTH_SECRET",
      `has ${authSecret.length} characters, at least ${MIN_SECRET_LENGTH} are needed`,
      "make one with: openssl rand -base64 32",
    );
  }
  const publicUrl = value(env, "BETTER_AUTH_URL");
  return {
    databaseUrl,
    authSecret,
    apiUrl: httpUrl("NEXT_PUBLIC_API_URL", apiUrl).href.replace(/\/+$/, ""),
    publicOrigin: publicUrl ? httpUrl("BETTER_AUTH_URL", publicUrl).origin : null,
  };
}

/** The variables that only the database migration needs. */
export function readDatabaseUrl(env: Environment): string {
  const databaseUrl = required(
    env,
    "DATABASE_URL",
    "set it to postgresql://user:password@host:5432/database",
  );
  try {
    parseDatabaseUrl(databaseUrl);
  } catch (error) {
    if (!(error instanceof DatabaseUrlError)) throw error;
    throw new ConfigError("DATABASE_URL", error.problem, error.hint);
  }
  return databaseUrl;
}

// The name stays a variable here: the bundler replaces a literal process.env.NEXT_PUBLIC_… by
// its value at build time, which would make the variable dead at run time.
function value(env: Environment, name: string): string | undefined {
  return env[name]?.trim() || undefined;
}

function required(env: Environment, name: string, hint: string): string {
  const found = value(env, name);
  if (!found) throw new ConfigError(name, name in env ? "is empty" : "is not set", hint);
  return found;
}

function httpUrl(name: string, text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new ConfigError(name, "is not a URL", "it has to look like http://host:port");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new ConfigError(name, `has the scheme ${url.protocol}//`, "use http:// or https://");
  }
  if (url.username || url.password) {
    throw new ConfigError(name, "contains a user or a password", "it is no secret; remove them");
  }
  return url;
}
