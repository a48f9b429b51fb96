/** Whether this server can do its work: the database answers and has Better Auth's tables. */

import type { Pool } from "pg";
import { getAuthTables, type BetterAuthDBSchema } from "better-auth/db";
import type { BetterAuthOptions } from "better-auth";
import { databaseCause } from "./database";

const TIMEOUT_MS = 1_500;

/** Every table with its columns that Better Auth needs with these options. */
export function expectedColumns(options: BetterAuthOptions): Map<string, string[]> {
  const tables: BetterAuthDBSchema = getAuthTables(options);
  return new Map(
    Object.values(tables).map((table) => [
      table.modelName,
      ["id", ...Object.entries(table.fields).map(([name, field]) => field.fieldName ?? name)],
    ]),
  );
}

/** null when ready, else the cause in one sentence. Takes 1.5 s at most. */
export async function notReadyCause(
  pool: Pool,
  expected: Map<string, string[]>,
): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<string>((resolve) => {
    timer = setTimeout(
      () => resolve(`database does not answer within ${TIMEOUT_MS / 1000} s (timeout)`),
      TIMEOUT_MS,
    );
  });
  try {
    return await Promise.race([schemaCause(pool, expected), deadline]);
  } finally {
    clearTimeout(timer);
  }
}

async function schemaCause(pool: Pool, expected: Map<string, string[]>): Promise<string | null> {
  let rows: { table: string; column: string }[];
  try {
    const result = await pool.query<{ table: string; column: string }>(
      `select c.relname as "table", a.attname as "column"
         from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relname = any($1) and pg_table_is_visible(c.oid)
          and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped`,
      [[...expected.keys()]],
    );
    rows = result.rows;
  } catch (error) {
    return `database unreachable: ${databaseCause(error)}`;
  }
  const found = new Set(rows.map((row) => `${row.table}.${row.column}`));
  const missing = [...expected].flatMap(([table, columns]) =>
    columns.map((column) => `${table}.${column}`).filter((name) => !found.has(name)),
  );
  if (missing.length === 0) return null;
  const tables = [...new Set(missing.map((name) => name.split(".")[0]))];
  return `database schema is not migrated: ${missing.length} columns are missing in ${tables.join(", ")}; run migrate.mjs`;
}
