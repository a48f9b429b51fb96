/** DATABASE_URL, understood as libpq (psql, psycopg) understands it. */

import { parse, toClientConfig } from "pg-connection-string";
import type { ClientConfig } from "pg";

/** The URL cannot be used. Neither text repeats any part of it that could be a secret. */
export class DatabaseUrlError extends Error {
  override readonly name = "DatabaseUrlError";
  constructor(
    readonly problem: string,
    readonly hint: string,
  ) {
    super(`${problem}; ${hint}`);
  }
}

const MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
// Parameters of libpq that node-postgres would not understand or would misread.
const IGNORED = ["channel_binding", "gssencmode", "target_session_attrs"];

/**
 * Turn a URL into options for node-postgres, whose own reading differs from libpq's:
 * `sslmode=require` means TLS without a check of the certificate, as in libpq. `allow`, `prefer`
 * and no sslmode at all mean no TLS. `channel_binding` is ignored: SCRAM works without.
 */
export function parseDatabaseUrl(text: string): ClientConfig {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new DatabaseUrlError(
      "is not a URL",
      "it has to look like postgresql://user:password@host:5432/database, special characters of the password percent-encoded",
    );
  }
  if (url.protocol !== "postgres:" && url.protocol !== "postgresql:") {
    throw new DatabaseUrlError(`has the scheme ${url.protocol}//`, "use postgresql://");
  }
  if (!url.hostname && !url.searchParams.get("host")) {
    throw new DatabaseUrlError("names no host", "add the database's host name after the @");
  }
  if (url.pathname.length < 2) {
    throw new DatabaseUrlError("names no database", "add /database after host and port");
  }
  const mode = url.searchParams.get("sslmode");
  if (mode !== null && !MODES.includes(mode)) {
    throw new DatabaseUrlError("has an unknown sslmode", `use one of ${MODES.join(", ")}`);
  }
  if (mode === "verify-ca" && !url.searchParams.get("sslrootcert")) {
    throw new DatabaseUrlError(
      "has sslmode=verify-ca without a CA",
      "add sslrootcert=/path/to/ca.pem, or use sslmode=verify-full",
    );
  }
  for (const name of IGNORED) url.searchParams.delete(name);
  if (mode === "allow" || mode === "prefer") url.searchParams.set("sslmode", "disable");
  // libpq's word for "the roots that the system trusts" is no file.
  if (url.searchParams.get("sslrootcert") === "system") url.searchParams.delete("sslrootcert");
  try {
    return toClientConfig(parse(url.href, { useLibpqCompat: true }));
  } catch (error) {
    throw new DatabaseUrlError(
      `cannot be used (${error instanceof Error ? error.message.split(/[.:]/)[0] : "unreadable"})`,
      "check its sslmode, sslrootcert and port",
    );
  }
}

/** Host and database for messages: no user, no password. */
export function describeDatabase(text: string): string {
  const { host, port, database } = parseDatabaseUrl(text);
  return `${host}:${port ?? 5432}/${database}`;
}
