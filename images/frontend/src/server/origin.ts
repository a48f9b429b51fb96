/**
 * Where a request says it came to. The app answers under any address (a NodePort, a node's
 * address, a host name behind a proxy), so its own origin is the one that the request used.
 */

/** The origin of this request: its Host, and https only when a proxy or the configuration says so. */
export function ownOrigin(headers: Headers, publicOrigin: string | null): string {
  const host = headers.get("host") ?? "localhost";
  if (publicOrigin && new URL(publicOrigin).host === host.toLowerCase()) return publicOrigin;
  const forwarded = headers.get("x-forwarded-proto")?.split(",")[0]?.trim().toLowerCase();
  return `${forwarded === "https" ? "https" : "http"}://${host}`;
}

/**
 * The origins that may send state-changing requests with a cookie: this host, and the configured
 * public origin. The scheme is not compared, as a proxy that ends TLS may not tell it.
 */
export function trustedOrigins(headers: Headers, publicOrigin: string | null): string[] {
  const host = headers.get("host");
  const own = host ? [`http://${host}`, `https://${host}`] : [];
  return publicOrigin ? [...own, publicOrigin] : own;
}

/** True when the Origin header is there and is this app's own. */
export function isSameOrigin(headers: Headers, publicOrigin: string | null): boolean {
  const origin = headers.get("origin")?.toLowerCase();
  if (!origin) return false;
  return trustedOrigins(headers, publicOrigin).some((own) => own.toLowerCase() === origin);
}
