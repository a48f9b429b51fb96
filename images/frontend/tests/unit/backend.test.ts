import http from "node:http";
import net from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { callBackend } from "@/server/backend";

const open: (http.Server | net.Server)[] = [];

async function listen<Server extends http.Server | net.Server>(server: Server): Promise<string> {
  open.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(() => {
  for (const server of open.splice(0)) {
    if (server instanceof http.Server) server.closeAllConnections();
    server.close();
  }
});

const get = { method: "GET", path: "/api/u/tasks", token: "t" };

test("method, path, token and body arrive, and the answer comes back whole", async () => {
  const seen: unknown[] = [];
  const address = await listen(
    http.createServer((request, response) => {
      request.setEncoding("utf8").on("data", (body: string) => {
        const { authorization, "content-type": type, connection } = request.headers;
        seen.push([request.method, request.url, authorization, type, body, connection]);
        response.writeHead(201, { "X-Backend-Pod": "pod-1" }).end("ä".repeat(100_000));
      });
    }),
  );
  const response = await callBackend(address, {
    ...get,
    method: "POST",
    path: "/api/u/tasks?x=1",
    body: '{"title":"ö"}',
  });
  expect(seen).toEqual([
    ["POST", "/api/u/tasks?x=1", "Bearer t", "application/json", '{"title":"ö"}', "close"],
  ]);
  expect(response.status).toBe(201);
  expect(response.headers["x-backend-pod"]).toBe("pod-1");
  expect(response.body.toString("utf8")).toBe("ä".repeat(100_000));
});

test("a name that does not resolve is called that", async () => {
  await expect(callBackend("http://backend-svc.invalid:8000", get)).rejects.toThrow(
    /^The backend at http:\/\/backend-svc\.invalid:8000 cannot be reached: the host name backend-svc\.invalid (does not resolve \(ENOTFOUND\)|cannot be resolved at the moment \(EAI_AGAIN\))$/,
  );
});

test("a refused connection is called that, after a few attempts", async () => {
  const address = await listen(net.createServer());
  await new Promise((resolve) => {
    open.pop()?.close(resolve);
  });
  await expect(callBackend(address, get)).rejects.toThrow(/refuses connections \(ECONNREFUSED\)$/);
});

test("a backend that comes back within a moment is not reported", async () => {
  const address = await listen(net.createServer());
  await new Promise((resolve) => {
    open.pop()?.close(resolve);
  });
  const pending = callBackend(address, get);
  const server = http.createServer((_request, response) => response.end("[]"));
  open.push(server);
  setTimeout(() => server.listen(Number(new URL(address).port), "127.0.0.1"), 50);
  expect((await pending).status).toBe(200);
});

test("a change whose connection is lost is called that, and not repeated", async () => {
  let connections = 0;
  const address = await listen(
    net.createServer((socket) => {
      connections += 1;
      socket.once("data", () => socket.destroy());
    }),
  );
  const change = { ...get, method: "POST", body: "{}" };
  await expect(callBackend(address, change)).rejects.toThrow(/ECONNRESET/);
  expect(connections).toBe(1);
});

test("a question whose connection is lost is asked again", async () => {
  let requests = 0;
  const address = await listen(
    http.createServer((request, response) => {
      requests += 1;
      if (requests === 1) request.socket.destroy();
      else response.end("[]");
    }),
  );
  expect((await callBackend(address, get)).status).toBe(200);
  expect(requests).toBe(2);
});

test("a question that is lost again and again is called that", async () => {
  const address = await listen(
    net.createServer((socket) => {
      socket.once("data", () => socket.destroy());
    }),
  );
  await expect(callBackend(address, get)).rejects.toThrow(
    /closed the connection without an answer \(ECONNRESET\)$/,
  );
});

test("silence after the connection is a timeout that names the limit", async () => {
  const address = await listen(net.createServer(() => undefined));
  await expect(callBackend(address, { ...get, answerTimeoutMs: 50 })).rejects.toThrow(
    /accepted the request but did not answer within 0\.05 s \(timeout\)$/,
  );
});
