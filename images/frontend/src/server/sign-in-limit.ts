/** Slows the guessing of passwords down: only failures count, so nobody who knows theirs waits. */

import { APIError, createAuthMiddleware } from "better-auth/api";

export const MAX_FAILURES = 10;
export const WINDOW_MS = 5 * 60_000;
const MAX_KEYS = 10_000;

interface Failures {
  count: number;
  until: number;
}

/** Failed attempts for each key within a window that starts with the first one. */
export class FailureCounter {
  private readonly failures = new Map<string, Failures>();

  constructor(private readonly now: () => number = Date.now) {}

  /** Seconds until the next attempt is allowed; 0 when it is allowed now. */
  retryAfter(key: string): number {
    const entry = this.failures.get(key);
    if (!entry || entry.count < MAX_FAILURES) return 0;
    return Math.max(0, Math.ceil((entry.until - this.now()) / 1000));
  }

  fail(key: string): void {
    const now = this.now();
    const entry = this.failures.get(key);
    if (entry && entry.until > now) {
      entry.count += 1;
      return;
    }
    this.failures.delete(key);
    this.failures.set(key, { count: 1, until: now + WINDOW_MS });
    // A map keeps the order of insertion: the oldest window goes first.
    if (this.failures.size > MAX_KEYS) {
      const oldest = this.failures.keys().next();
      if (!oldest.done) this.failures.delete(oldest.value);
    }
  }

  succeed(key: string): void {
    this.failures.delete(key);
  }
}

const SIGN_IN = "/sign-in/email";

function emailOf(body: unknown): string | null {
  const email = (body as { email?: unknown } | undefined)?.email;
  return typeof email === "string" ? email.trim().toLowerCase() : null;
}

/** Better Auth hooks around the sign-in: too many failures for one e-mail address answer 429. */
export function limitFailedSignIns(counter = new FailureCounter()) {
  return {
    before: createAuthMiddleware(async (context) => {
      const email = context.path === SIGN_IN ? emailOf(context.body) : null;
      const seconds = email ? counter.retryAfter(email) : 0;
      if (seconds > 0) {
        throw new APIError(
          "TOO_MANY_REQUESTS",
          { message: "Too many failed attempts. Try again in a few minutes." },
          { "Retry-After": String(seconds) },
        );
      }
    }),
    after: createAuthMiddleware(async (context) => {
      const email = context.path === SIGN_IN ? emailOf(context.body) : null;
      if (!email) return;
      const returned = context.context.returned;
      if (!(returned instanceof APIError)) counter.succeed(email);
      else if (returned.statusCode === 401) counter.fail(email);
    }),
  };
}
