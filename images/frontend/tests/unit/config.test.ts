import { describe, expect, test } from "vitest";
import { ConfigError, readConfig, readDatabaseUrl } from "@/server/config";

const SECRET = "s".repeat(32);
const complete = {
  DATABASE_URL: "postgresql://todo:pa55@db:5432/todo",
  BETTER_AUTH_SECRET: SECRET,
  NEXT_PUBLIC_API_URL: "http://backend-svc:8000/",
};

test("a complete environment is accepted, and the backend's address loses its last slash", () => {
  expect(readConfig(complete)).toEqual({
    databaseUrl: complete.DATABASE_URL,
    authSecret: SECRET,
    apiUrl: "http://backend-svc:8000",
    publicOrigin: null,
  });
});

test("the public URL is reduced to its origin", () => {
  const config = readConfig({ ...complete, BETTER_AUTH_URL: "https://todo.example/path?x" });
  expect(config.publicOrigin).toBe("https://todo.example");
});

test.each(Object.keys(complete))("%s missing is named in one line", (name) => {
  for (const absent of [undefined, "", "  "]) {
    const env = { ...complete, [name]: absent };
    expect(() => readConfig(env)).toThrow(ConfigError);
    expect(() => readConfig(env)).toThrow(new RegExp(`^configuration error: ${name} is [^\\n]+$`));
  }
});

test.each([
  ["BETTER_AUTH_SECRET", "short", /has 5 characters, at least 32/],
  ["NEXT_PUBLIC_API_URL", "backend-svc:8000", /has the scheme backend-svc:/],
  ["NEXT_PUBLIC_API_URL", "not a url", /is not a URL/],
  ["NEXT_PUBLIC_API_URL", "http://u:p@backend-svc", /contains a user or a password/],
  ["BETTER_AUTH_URL", "ftp://todo.example", /has the scheme ftp:/],
  ["DATABASE_URL", "mysql://db/todo", /has the scheme mysql:/],
  ["DATABASE_URL", "postgresql://u:pa55@db:5432", /names no database/],
  ["DATABASE_URL", "postgresql://db/todo?sslmode=sometimes", /unknown sslmode/],
])("a wrong %s is explained", (name, value, message) => {
  expect(() => readConfig({ ...complete, [name]: value })).toThrow(message);
});

describe("no message repeats a secret", () => {
  test.each([
    { ...complete, BETTER_AUTH_SECRET: "hunter2" },
    { ...complete, DATABASE_URL: "postgresql://u:hunter2@db" },
    { ...complete, DATABASE_URL: "hunter2" },
    { ...complete, NEXT_PUBLIC_API_URL: "http://u:hunter2@backend" },
  ])("%#", (env) => {
    expect(() => readConfig(env)).toThrow(/^(?!.*hunter2)configuration error: /s);
  });
});

test("a migration needs the database's URL only", () => {
  expect(readDatabaseUrl({ DATABASE_URL: complete.DATABASE_URL })).toBe(complete.DATABASE_URL);
  expect(() => readDatabaseUrl({})).toThrow(/DATABASE_URL is not set/);
});
