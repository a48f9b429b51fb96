/** The image's two commands as processes: what ends them, and how. */

import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { App, Command, migrate, SECRET } from "./support/app";
import { Backend } from "./support/backend";
import { cleanup } from "./support/cleanup";
import { freePort } from "./support/ports";
import { Postgres } from "./support/postgres";
import { APP, requires } from "./support/requirements";

const needed = requires("processes");

describe.skipIf(needed.skip)(needed.title, () => {
  const keep = cleanup();
  let database: Postgres;

  beforeAll(async () => {
    database = keep(await Postgres.create(), (it) => it.remove());
  });

  const complete = () => ({
    DATABASE_URL: database.url(),
    BETTER_AUTH_SECRET: SECRET,
    NEXT_PUBLIC_API_URL: "http://backend.invalid:8000",
  });

  test.each(["DATABASE_URL", "BETTER_AUTH_SECRET", "NEXT_PUBLIC_API_URL"])(
    "the server without %s says so in one line and exits with 78",
    async (name) => {
      const { [name]: _, ...env } = complete() as Record<string, string>;
      const { code, output } = await new Command("server.mjs", env).ended;
      expect(code).toBe(78);
      expect(output).toMatch(new RegExp(`^configuration error: ${name} is not set; [^\\n]+\\n$`));
    },
  );

  test("the migration without DATABASE_URL says so and exits with 78", async () => {
    const { code, output } = await new Command("migrate.mjs", {}).ended;
    expect(code).toBe(78);
    expect(output).toMatch(/^configuration error: DATABASE_URL is not set; [^\n]+\n$/);
  });

  test("two migrations at once, and a third one, make one schema and exit with 0", async () => {
    const both = await Promise.all([migrate(database.url()), migrate(database.url())]);
    const third = await migrate(database.url());
    expect([...both, third].map(({ code }) => code)).toEqual([0, 0, 0]);
    const told = both.map(({ output }) => output).join("");
    expect(told.match(/is migrated/g)).toHaveLength(1);
    expect(told.match(/is up to date/g)).toHaveLength(1);
    const tables = await database.query<{ name: string }>(
      "select table_name as name from information_schema.tables where table_schema = 'public' order by 1",
    );
    expect(tables.map(({ name }) => name)).toEqual(["account", "session", "user", "verification"]);
  });

  test("a migration that cannot be done changes nothing, and says why without the password", async () => {
    await database.query("create database partly", "postgres");
    // An index name that is taken stops the migration half way.
    await database.query(`create table verification (id text); create table "session" (id int)`, "partly");
    const { code, output } = await migrate(database.url("", "127.0.0.1", "partly"));
    expect(code).toBe(1);
    expect(output).toMatch(/"level":"error","message":"migration failed: /);
    expect(output).not.toContain("throw-away");
    const users = await database.query(
      `select 1 from information_schema.tables where table_name = 'user' and table_schema = 'public'`,
      "partly",
    );
    expect(users).toEqual([]);
  });

  test("a migration waits for a database that is not there yet, one line for each attempt", async () => {
    const port = await freePort();
    const url = database.url().replace(`:${database.port}/`, `:${port}/`);
    const command = new Command("migrate.mjs", { DATABASE_URL: url });
    while ((command.output.match(/\n/g) ?? []).length < 2) await sleep(50);
    expect(command.process.exitCode).toBeNull();
    for (const line of command.output.trim().split("\n")) {
      expect(line).toContain(`waiting for the database at 127.0.0.1:${port}/todo: connection refused (ECONNREFUSED)`);
    }
    command.process.kill("SIGTERM");
    expect((await command.ended).code).toBe(143);
    expect(command.output).not.toContain("throw-away");
  });

  test("SIGTERM lets an open request end, then the server exits with 0", async () => {
    const backend = await Backend.start();
    await migrate(database.url());
    const app = await App.start({ DATABASE_URL: database.url(), NEXT_PUBLIC_API_URL: backend.url });
    backend.delay = 1_000;
    const open = app.fetch("/api/u/tasks", { headers: { authorization: "Bearer x" } });
    await sleep(300);
    const started = Date.now();
    const { code, output } = await app.stop();
    expect((await open).status).toBe(401);
    expect(code).toBe(0);
    expect(Date.now() - started).toBeLessThan(4_000);
    expect(output).not.toMatch(/error/i);
    await backend.stop();
  });

  test("nothing of the run-time configuration is in what browsers load", () => {
    const files = fs
      .readdirSync(path.join(APP, ".next/static"), { recursive: true, encoding: "utf8" })
      .filter((file) => /\.(js|css|html)$/.test(file));
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const text = fs.readFileSync(path.join(APP, ".next/static", file), "utf8");
      expect(text, file).not.toMatch(/NEXT_PUBLIC_API_URL|backend-svc|BETTER_AUTH_SECRET|DATABASE_URL/);
    }
  });
});
