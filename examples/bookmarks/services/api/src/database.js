// The one pool of connections.
import pg from "pg";

const url = process.env.DATABASE_URL;
if (!url) {
  throw new Error("DATABASE_URL is not set");
}

export const pool = new pg.Pool({ connectionString: url, max: 8, connectionTimeoutMillis: 3000 });

// A connection that breaks while nobody uses it is replaced with the next query.
pool.on("error", (error) => console.error(`database: ${error.message}`));
