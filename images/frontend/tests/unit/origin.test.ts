import { expect, test } from "vitest";
import { isSameOrigin, ownOrigin, trustedOrigins } from "@/server/origin";

const headers = (values: Record<string, string>) => new Headers(values);

test.each([
  [{ host: "127.0.0.1:30080" }, null, "http://127.0.0.1:30080"],
  [{ host: "172.18.0.2:30080" }, null, "http://172.18.0.2:30080"],
  [{ host: "todo.example", "x-forwarded-proto": "https" }, null, "https://todo.example"],
  [{ host: "todo.example", "x-forwarded-proto": "https,http" }, null, "https://todo.example"],
  [{ host: "todo.example", "x-forwarded-proto": "javascript" }, null, "http://todo.example"],
  [{ host: "todo.example" }, "https://todo.example", "https://todo.example"],
  [{ host: "127.0.0.1:30080" }, "https://todo.example", "http://127.0.0.1:30080"],
] as const)("the own origin of %j with public %s is %s", (values, publicOrigin, expected) => {
  expect(ownOrigin(headers(values), publicOrigin)).toBe(expected);
});

test.each([
  [{ host: "a:1", origin: "http://a:1" }, true],
  [{ host: "a:1", origin: "HTTP://A:1" }, true],
  [{ host: "a", origin: "https://a" }, true],
  [{ host: "a:1", origin: "http://a:2" }, false],
  [{ host: "a:1", origin: "http://a" }, false],
  [{ host: "a", origin: "http://evil.example" }, false],
  [{ host: "a", origin: "http://a.evil.example" }, false],
  [{ host: "a", origin: "null" }, false],
  [{ host: "a" }, false],
  [{ host: "a", origin: "https://todo.example" }, true],
] as const)("%j is same-origin: %s", (values, expected) => {
  expect(isSameOrigin(headers(values), "https://todo.example")).toBe(expected);
});

test("a host that was only forwarded is not trusted", () => {
  const values = headers({ host: "a", "x-forwarded-host": "evil.example" });
  expect(trustedOrigins(values, null)).toEqual(["http://a", "https://a"]);
});
