// Makes the table; run before the server starts, any number of times.
import { pool } from "./database.js";

await pool.query(`
  CREATE TABLE IF NOT EXISTS bookmarks (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address text NOT NULL UNIQUE,
    title text NOT NULL,
    made timestamptz NOT NULL DEFAULT now()
  )
`);
await pool.end();
