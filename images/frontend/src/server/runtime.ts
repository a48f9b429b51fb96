/** What one server process holds: configuration and pool, made at the first use. */

import type { Pool } from "pg";
import { readConfig, type Config } from "./config";
import { createPool } from "./database";

interface Runtime {
  config?: Config;
  pool?: Pool;
}

// Pages and API routes are bundled apart from each other, each with its own copy of this module;
// one process shall have one pool all the same.
const KEY = Symbol.for("todo-frontend.runtime");
const holder = globalThis as unknown as Record<symbol, Runtime | undefined>;
const runtime = (holder[KEY] ??= {});

export function getConfig(): Config {
  return (runtime.config ??= readConfig(process.env));
}

export function getPool(): Pool {
  return (runtime.pool ??= createPool(getConfig().databaseUrl));
}
