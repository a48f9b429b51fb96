import { app } from "./app.js";
import { pool } from "./database.js";

const port = Number(process.env.PORT ?? "3000");
const server = app.listen(port, "0.0.0.0", () => console.log(`listening on ${port}`));

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => server.close(() => pool.end()));
}
