import express from "express";

import { pool } from "./database.js";

const LONGEST = 2000;

export const app = express();
app.disable("x-powered-by");
app.use(express.json({ limit: "20kb" }));

app.get("/healthz", (_request, response) => {
  response.json({ status: "ok" });
});

app.get("/readyz", async (_request, response) => {
  try {
    await pool.query("SELECT 1");
    response.json({ status: "ready" });
  } catch (error) {
    response.status(503).json({ status: "not ready", error: error.message });
  }
});

app.get("/api/bookmarks", async (_request, response) => {
  const { rows } = await pool.query("SELECT id, address, title, made FROM bookmarks ORDER BY id");
  response.json(rows);
});

app.post("/api/bookmarks", async (request, response) => {
  const { address, title } = request.body ?? {};
  if (typeof address !== "string" || !URL.canParse(address) || address.length > LONGEST) {
    return response.status(422).json({ error: "address is no URL" });
  }
  const { rows } = await pool.query(
    `INSERT INTO bookmarks (address, title) VALUES ($1, $2)
     ON CONFLICT (address) DO UPDATE SET title = EXCLUDED.title
     RETURNING id, address, title, made`,
    [address, String(title || address).slice(0, LONGEST)],
  );
  return response.status(201).json(rows[0]);
});

app.delete("/api/bookmarks/:id", async (request, response) => {
  const id = Number(request.params.id);
  if (!Number.isSafeInteger(id) || id < 1 || id > 2 ** 31 - 1) {
    return response.status(422).json({ error: "id is no number" });
  }
  const { rowCount } = await pool.query("DELETE FROM bookmarks WHERE id = $1", [id]);
  return rowCount ? response.status(204).end() : response.status(404).json({ error: "not there" });
});

// Express tells an error handler by its four arguments.
app.use((error, _request, response, _next) => {
  const status = error.status >= 400 && error.status < 500 ? error.status : 500;
  if (status === 500) {
    console.error(error);
  }
  response.status(status).json({ error: status === 500 ? "something went wrong" : error.message });
});
