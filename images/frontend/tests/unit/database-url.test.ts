import { expect, test } from "vitest";
import { describeDatabase, parseDatabaseUrl } from "@/server/database-url";

test("user, password, host, port and database are taken apart and decoded", () => {
  expect(parseDatabaseUrl("postgres://ada:p%40ss%2Fword@db.example:6543/my%20todo")).toMatchObject({
    user: "ada",
    password: "p@ss/word",
    host: "db.example",
    port: 6543,
    database: "my todo",
  });
});

test.each([
  ["", undefined],
  ["?sslmode=disable", false],
  ["?sslmode=allow", false],
  ["?sslmode=prefer", false],
  ["?sslmode=require", { rejectUnauthorized: false }],
  ["?sslmode=require&channel_binding=require", { rejectUnauthorized: false }],
  ["?sslmode=verify-full", {}],
  ["?sslmode=verify-full&sslrootcert=system", {}],
])("%s means TLS %j, as in libpq", (query, ssl) => {
  expect(parseDatabaseUrl(`postgresql://u:p@db/todo${query}`).ssl).toEqual(ssl);
});

test("parameters that node-postgres does not know do not reach it", () => {
  const config = parseDatabaseUrl("postgresql://db/todo?channel_binding=require&gssencmode=disable");
  expect(Object.keys(config)).not.toContain("channel_binding");
  expect(Object.keys(config)).not.toContain("gssencmode");
});

test.each([
  ["todo", /is not a URL/],
  ["https://db/todo", /has the scheme https:/],
  ["postgresql+psycopg://db/todo", /has the scheme postgresql\+psycopg:/],
  ["postgresql:///todo", /names no host/],
  ["postgresql://db/", /names no database/],
  ["postgresql://db/todo?sslmode=on", /unknown sslmode/],
  ["postgresql://db/todo?sslmode=verify-ca", /verify-ca without a CA/],
  ["postgresql://db/todo?sslmode=verify-full&sslrootcert=/does/not/exist", /cannot be used/],
])("%s is refused with a reason", (url, message) => {
  expect(() => parseDatabaseUrl(url)).toThrow(message);
});

test("messages name host and database, and nobody's password", () => {
  expect(describeDatabase("postgresql://ada:hunter2@db/todo")).toBe("db:5432/todo");
});
