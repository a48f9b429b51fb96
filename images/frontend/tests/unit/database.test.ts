import net from "node:net";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createPool } from "@/server/database";

test("a server that accepts connections and says nothing is given up after 3 s", async () => {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const pool = createPool(`postgresql://todo@127.0.0.1:${port}/todo`);
  const started = Date.now();
  await expect(pool.query("select 1")).rejects.toThrow(/timeout/);
  expect(Date.now() - started).toBeLessThan(6_000);
  await pool.end();
  for (const socket of sockets) socket.destroy();
  server.close();
}, 10_000);
