import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { MAX_BODY_BYTES, proxy } from "@/server/proxy";

interface Seen {
  method: string | undefined;
  url: string | undefined;
  authorization: string | undefined;
  cookie: string | undefined;
  body: string;
}

const seen: Seen[] = [];
let answer: { status: number; headers: http.OutgoingHttpHeaders; body: string };

const backend = http.createServer((incoming, response) => {
  let body = "";
  incoming.setEncoding("utf8");
  incoming.on("data", (chunk: string) => (body += chunk));
  incoming.on("end", () => {
    const { authorization, cookie } = incoming.headers;
    seen.push({ method: incoming.method, url: incoming.url, authorization, cookie, body });
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => {
    backend.listen(0, "127.0.0.1", resolve);
  });
  const { port } = backend.address() as AddressInfo;
  process.env.NEXT_PUBLIC_API_URL = `http://127.0.0.1:${port}`;
  process.env.BETTER_AUTH_SECRET = "s".repeat(32);
  process.env.DATABASE_URL = "postgresql://nobody@127.0.0.1:9/none";
});

afterAll(() => backend.close());

beforeEach(() => {
  seen.length = 0;
  answer = { status: 200, headers: { "Content-Type": "application/json" }, body: "[]" };
});

function request(path: string, init: RequestInit = {}): Request {
  return new Request(`http://app:3000${path}`, {
    ...init,
    headers: { host: "app:3000", ...(init.headers as Record<string, string>) },
  });
}

const bearer = { authorization: "Bearer token-1" };

test("a bearer token is passed on as it is, and nothing else of the caller", async () => {
  const response = await proxy(
    request("/api/u1/tasks?limit=2", { headers: { ...bearer, cookie: "a=b" } }),
  );
  expect(response.status).toBe(200);
  expect(seen).toEqual([
    {
      method: "GET",
      url: "/api/u1/tasks?limit=2",
      authorization: "Bearer token-1",
      cookie: undefined,
      body: "",
    },
  ]);
});

test("status, body and the serving pod come back; other headers do not", async () => {
  answer = {
    status: 404,
    headers: { "Content-Type": "application/json", "X-Backend-Pod": "p", "Set-Cookie": "x=y" },
    body: '{"detail":"no such task"}',
  };
  const response = await proxy(request("/api/u1/tasks/7", { method: "DELETE", headers: bearer }));
  expect(response.status).toBe(404);
  expect(response.headers.get("x-backend-pod")).toBe("p");
  expect(response.headers.get("set-cookie")).toBeNull();
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(await response.json()).toEqual({ detail: "no such task" });
});

test("an answer without a body stays without one", async () => {
  answer = { status: 204, headers: {}, body: "" };
  const response = await proxy(request("/api/u1/tasks/7", { method: "DELETE", headers: bearer }));
  expect(response.status).toBe(204);
  expect(await response.text()).toBe("");
});

test("a body is passed on", async () => {
  const body = JSON.stringify({ message: "Grüße" });
  await proxy(request("/api/u1/chat", { method: "POST", headers: bearer, body }));
  expect(seen[0]).toMatchObject({ method: "POST", url: "/api/u1/chat", body });
});

test.each(["/api/u1", "/api/u1/secrets", "/api/u1/tasks/1/2", "/api/a%2Fb/tasks", "/api/u1/chat/x"])(
  "%s is not one of the backend's public paths",
  async (path) => {
    const response = await proxy(request(path, { headers: bearer }));
    expect(response.status).toBe(404);
    expect(seen).toEqual([]);
  },
);

test("without a session or a token the answer is 401", async () => {
  const response = await proxy(request("/api/u1/tasks"));
  expect(response.status).toBe(401);
  expect(response.headers.get("www-authenticate")).toBe("Bearer");
  expect(await response.json()).toEqual({ detail: "Not signed in" });
});

test("an Authorization header of another kind is refused", async () => {
  const response = await proxy(request("/api/u1/tasks", { headers: { authorization: "Basic eA==" } }));
  expect(response.status).toBe(401);
  expect(seen).toEqual([]);
});

test.each(["http://evil.example", "null", undefined])(
  "a change by cookie from the origin %s is refused",
  async (origin) => {
    const headers = { cookie: "better-auth.session_token=x", ...(origin ? { origin } : {}) };
    const response = await proxy(request("/api/u1/tasks", { method: "POST", headers, body: "{}" }));
    expect(response.status).toBe(403);
    expect(seen).toEqual([]);
  },
);

test("a body beyond the limit is refused", async () => {
  const body = "x".repeat(MAX_BODY_BYTES + 1);
  const response = await proxy(request("/api/u1/chat", { method: "POST", headers: bearer, body }));
  expect(response.status).toBe(413);
  expect(seen).toEqual([]);
});
