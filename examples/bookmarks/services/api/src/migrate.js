// Makes the table; run before the server starts, any number of times.
import { setTimeout } from "node:timers/promises";

import { pool } from "./database.js";

const patience = Date.now() + 60_000; // the database may start later than we do

for (;;) {
  try {
    await pool.query(`
      CREATE TABLE IF NOT EXISTS bookmarks (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        address text NOT NULL UNIQUE,
        title text NOT NULL,
        made timestamptz NOT NULL DEFAULT now()
      )
    `);
    break;
  } catch (error) {
    if (Date.now() > patience) throw error; // also of another replica that makes it just now
    console.log(`waiting for the database: ${error.message}`);
    await setTimeout(1000);
  }
}
await pool.end();
