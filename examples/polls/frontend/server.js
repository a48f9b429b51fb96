// Shows the page, and hands requests for the API on to it.
import express from "express";

const BACKEND = process.env.BACKEND_URL ?? "http://localhost:5000";
const app = express();

app.use(express.static("public"));
app.use("/api", express.json());

app.get("/healthz", (_request, response) => response.json({ status: "ok" }));

app.all("/api/*rest", async (request, response) => {
  const body = ["GET", "HEAD", "DELETE"].includes(request.method) ? undefined : JSON.stringify(request.body);
  try {
    const answer = await fetch(new URL(request.originalUrl, BACKEND), {
      method: request.method,
      headers: { "content-type": "application/json" },
      body,
    });
    response.status(answer.status).send(Buffer.from(await answer.arrayBuffer()));
  } catch {
    response.status(502).json({ error: "the API does not answer" });
  }
});

app.listen(3000, "0.0.0.0");
