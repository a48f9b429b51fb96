/** Better Auth: e-mail and password on PostgreSQL, under whatever origin a request came to. */

import { betterAuth, type BetterAuthOptions } from "better-auth";
import { isAPIError } from "better-auth/api";
import type { Pool } from "pg";
import { databaseCause, isDatabaseDown } from "./database";
import { log } from "./log";
import { ownOrigin, trustedOrigins } from "./origin";
import { getConfig, getPool } from "./runtime";
import { limitFailedSignIns } from "./sign-in-limit";

export const MIN_PASSWORD_LENGTH = 8;
export const AUTH_PATH = "/api/auth";

/** The options that decide the tables, for the server and the migration alike. */
export function authOptions(pool: Pool, secret: string, publicOrigin: string | null) {
  return {
    appName: "Todo",
    basePath: AUTH_PATH,
    secret,
    database: pool,
    emailAndPassword: { enabled: true, minPasswordLength: MIN_PASSWORD_LENGTH },
    session: { expiresIn: 60 * 60 * 24 * 7, updateAge: 60 * 60 * 24 },
    trustedOrigins: (request?: Request) =>
      request ? trustedOrigins(request.headers, publicOrigin) : [],
    // Against floods. Behind a NodePort all people share one address, so the limits are wide;
    // guessing passwords is slowed by limitFailedSignIns.
    rateLimit: {
      enabled: true,
      window: 10,
      max: 300,
      customRules: {
        "/sign-in/*": { window: 10, max: 100 },
        "/sign-up/*": { window: 10, max: 100 },
      },
    },
    hooks: limitFailedSignIns(),
    telemetry: { enabled: false },
    onAPIError: { onError: logFailure },
    logger: {
      level: "error",
      // Only errors that carry one are this server's; the others are a client's, such as an
      // origin that is not trusted.
      log: (_level, message, ...details) => {
        const errors = details.filter((detail) => detail instanceof Error);
        if (errors.length > 0) errors.forEach(logFailure);
        else log("warn", `auth: ${message}`);
      },
    },
  } satisfies BetterAuthOptions;
}

function logFailure(error: unknown): void {
  if (isAPIError(error) && error.statusCode < 500) return;
  log(isDatabaseDown(error) ? "warn" : "error", `auth: ${databaseCause(error)}`);
}

function createAuth(secure: boolean) {
  const { authSecret, publicOrigin } = getConfig();
  return betterAuth({
    ...authOptions(getPool(), authSecret, publicOrigin),
    advanced: { useSecureCookies: secure },
  });
}

type Auth = ReturnType<typeof createAuth>;
const instances = new Map<boolean, Auth>();

// Whether cookies are Secure is fixed for an instance, and one server answers both over plain
// http and behind a proxy that ends TLS: hence one instance for each.
function authFor(headers: Headers): Auth {
  const secure = ownOrigin(headers, getConfig().publicOrigin).startsWith("https:");
  const found = instances.get(secure) ?? createAuth(secure);
  instances.set(secure, found);
  return found;
}

/** Load and set up what the first sign-in would otherwise wait for. */
export async function warmUp(): Promise<void> {
  await authFor(new Headers()).$context;
}

/** Hand a request to Better Auth, under the address that the client used. */
export async function handleAuth(request: Request, path?: string, body?: unknown): Promise<Response> {
  const url = new URL(request.url);
  const origin = ownOrigin(request.headers, getConfig().publicOrigin);
  const target = `${origin}${path ? AUTH_PATH + path : url.pathname}${path ? "" : url.search}`;
  const headers = new Headers(request.headers);
  const init: RequestInit & { duplex?: "half" } = { method: request.method, headers };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    headers.set("content-type", "application/json");
    headers.delete("content-length");
    // Better Auth wants an Origin from whatever looks like a browser, as Node's fetch does, too;
    // the routes that build a body themselves have checked it already.
    headers.set("origin", origin);
  } else if (request.body) {
    init.body = request.body;
    init.duplex = "half";
  }
  return authFor(request.headers).handler(new Request(target, init));
}

export interface SessionUser {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

/** The signed-in person, or null. Throws what the database throws when it does not answer. */
export async function sessionUser(headers: Headers): Promise<SessionUser | null> {
  const session = await authFor(headers).api.getSession({ headers });
  if (!session) return null;
  const { id, name, email } = session.user;
  return { id, name, email };
}
