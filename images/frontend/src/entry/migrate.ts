/** Brings the database to Better Auth's schema, then exits 0. Safe to run any number of times. */

import { Pool } from "pg";
import { getMigrations } from "better-auth/db/migration";
import { authOptions } from "@/server/auth";
import { ConfigError, readDatabaseUrl } from "@/server/config";
import { clientConfig, databaseCause, isDatabaseDown } from "@/server/database";
import { describeDatabase } from "@/server/database-url";
import { log } from "@/server/log";

const EXIT_CONFIG = 78;
/** Any constant will do, as long as each copy of this program uses the same one. */
const LOCK_KEY = 7_305_901_221;
/** Better Auth wants one; a migration signs nothing. */
const UNUSED_SECRET = "-".repeat(32);
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 5_000;

async function main(): Promise<void> {
  const databaseUrl = readDatabaseUrl(process.env);
  const where = describeDatabase(databaseUrl);
  for (let attempt = 1, delay = FIRST_DELAY_MS; ; attempt += 1) {
    try {
      await migrate(databaseUrl);
      return;
    } catch (error) {
      if (!isDatabaseDown(error)) throw error;
      log("info", `waiting for the database at ${where}: ${databaseCause(error)}`, { attempt });
    }
    await new Promise((resolve) => setTimeout(resolve, delay));
    delay = Math.min(delay * 2, MAX_DELAY_MS);
  }
}

async function migrate(databaseUrl: string): Promise<void> {
  // One connection, one transaction: the lock and all changes end together, whatever happens.
  const pool = new Pool({ ...clientConfig(databaseUrl), max: 1, idleTimeoutMillis: 0 });
  pool.on("error", () => undefined);
  try {
    await pool.query("begin");
    await pool.query("select pg_advisory_xact_lock($1)", [LOCK_KEY]);
    const plan = await getMigrations(authOptions(pool, UNUSED_SECRET, null));
    const tables = [...plan.toBeCreated, ...plan.toBeAdded].map((change) => change.table);
    const indexes = plan.toBeAddedIndexes.map((index) => index.name);
    await plan.runMigrations();
    await pool.query("commit");
    if (tables.length + indexes.length === 0) log("info", "the database schema is up to date");
    else log("info", "the database schema is migrated", { tables, indexes });
  } finally {
    await pool.end();
  }
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    log("info", `${signal}: stopped before the migration was done`);
    process.exit(143);
  });
}

main().catch((error: unknown) => {
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_CONFIG);
  }
  log("error", `migration failed: ${databaseCause(error)}`);
  process.exit(1);
});
