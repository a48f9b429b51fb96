/** The database or the backend is away: what is said meanwhile, and that all heals by itself. */

import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { createPool } from "@/server/database";
import { App, migrate } from "./support/app";
import { Backend } from "./support/backend";
import { cleanup } from "./support/cleanup";
import { Postgres } from "./support/postgres";
import { requires } from "./support/requirements";

const needed = requires("outages");

describe.skipIf(needed.skip)(needed.title, () => {
  const keep = cleanup();
  let database: Postgres;
  let backend: Backend;
  let app: App;
  let cookie = "";
  let userId = "";

  beforeAll(async () => {
    database = keep(await Postgres.create(), (it) => it.remove());
    backend = keep(await Backend.start(), (it) => it.stop());
    await migrate(database.url());
    app = keep(
      await App.start({ DATABASE_URL: database.url(), NEXT_PUBLIC_API_URL: backend.url }),
      (it) => it.stop(),
    );
    const body = { name: "Ada", email: "ada@example.com", password: "correct horse" };
    const response = await app.post("/api/auth/signup", body);
    cookie = response.headers.getSetCookie()[0]!.split(";")[0]!;
    userId = ((await response.json()) as { user: { id: string } }).user.id;
  });

  const tasks = () => app.fetch(`/api/${userId}/tasks`, { headers: { cookie } });
  const detail = async (response: Response) => ((await response.json()) as { detail: string }).detail;

  async function eventually(status: number, request: () => Promise<Response>): Promise<void> {
    const deadline = Date.now() + 15_000;
    while ((await request()).status !== status) {
      expect(Date.now(), `no answer ${status} within 15 s`).toBeLessThan(deadline);
      await sleep(100);
    }
  }

  test("a database that is stopped and started again", async () => {
    await database.stop();
    expect((await app.fetch("/api/health")).status).toBe(200);
    const ready = await app.fetch("/api/ready");
    expect(ready.status).toBe(503);
    expect(await detail(ready)).toMatch(/ECONNREFUSED|terminat/);
    const listed = await tasks();
    expect(listed.status).toBe(503);
    expect(await detail(listed)).toMatch(/^The database cannot be reached: /);
    const signIn = await app.post("/api/auth/login", { email: "ada@example.com", password: "x" });
    expect(signIn.status).toBe(503);
    expect((await app.fetch("/sign-in")).status).toBe(200);
    await database.start();
    await eventually(200, () => app.fetch("/api/ready"));
    expect((await tasks()).status).toBe(200);
  });

  test("a database that holds connections and says nothing", async () => {
    const thaw = await database.freeze();
    try {
      const started = Date.now();
      const ready = await app.fetch("/api/ready");
      expect(ready.status).toBe(503);
      expect(await detail(ready)).toMatch(/within 1\.5 s \(timeout\)/);
      expect(Date.now() - started).toBeLessThan(3_000);
      expect((await app.fetch("/api/health")).status).toBe(200);
      expect((await tasks()).status).toBe(503);
      expect(Date.now() - started).toBeLessThan(12_000);
    } finally {
      thaw();
    }
    await eventually(200, () => app.fetch("/api/ready"));
    await eventually(200, tasks);
  });

  test("a backend that is stopped and started again", async () => {
    const { port } = backend;
    await backend.stop();
    const response = await tasks();
    expect(response.status).toBe(502);
    expect(await detail(response)).toBe(
      `The backend at http://127.0.0.1:${port} cannot be reached: 127.0.0.1:${port} refuses connections (ECONNREFUSED)`,
    );
    expect((await app.fetch("/api/ready")).status).toBe(200);
    await backend.listen(port);
    expect((await tasks()).status).toBe(200);
  });
});

const secured = requires("TLS to the database", "openssl");

describe.skipIf(secured.skip)(secured.title, () => {
  const keep = cleanup();
  let database: Postgres;

  beforeAll(async () => {
    database = keep(await Postgres.create({ tls: true }), (it) => it.remove());
  });

  async function usesTls(url: string): Promise<boolean> {
    const pool = createPool(url);
    try {
      const result = await pool.query<{ ssl: boolean }>(
        "select ssl from pg_stat_ssl where pid = pg_backend_pid()",
      );
      return result.rows[0]!.ssl;
    } finally {
      await pool.end();
    }
  }

  test("sslmode=require means TLS, with a certificate of anyone", async () => {
    expect(await usesTls(database.url("?sslmode=require&channel_binding=require"))).toBe(true);
  });

  test("no sslmode, or prefer, means none", async () => {
    expect(await usesTls(database.url())).toBe(false);
    expect(await usesTls(database.url("?sslmode=prefer"))).toBe(false);
  });

  test("verify-full refuses an unknown certificate and accepts a known one of the right name", async () => {
    await expect(usesTls(database.url("?sslmode=verify-full", "localhost"))).rejects.toThrow(/self[- ]signed/);
    const query = `?sslmode=verify-full&sslrootcert=${database.certificate}`;
    expect(await usesTls(database.url(query, "localhost"))).toBe(true);
    await expect(usesTls(database.url(query, "127.0.0.1"))).rejects.toThrow(/altnames|does not match/i);
  });

  test("verify-ca accepts a known certificate under any name", async () => {
    const query = `?sslmode=verify-ca&sslrootcert=${database.certificate}`;
    expect(await usesTls(database.url(query, "127.0.0.1"))).toBe(true);
  });
});
