/** A small backend that keeps to the contract: verifies tokens, keeps tasks, can be told to fail. */

import http from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { jwtVerify } from "jose";
import { SECRET } from "./app";

interface Task {
  id: number;
  user_id: string;
  title: string;
  description: string | null;
  completed: boolean;
  created_at: string;
  updated_at: string;
}

interface Answer {
  status: number;
  body?: unknown;
}

export class Backend {
  readonly tasks = new Map<number, Task>();
  /** What the next chat request is answered with. */
  chat: (message: string, userId: string) => Answer = (message) => ({
    status: 200,
    body: { reply: `You said: ${message}`, actions: [] },
  });
  /** When set, every request is answered with it. */
  failure: Answer | null = null;
  /** Milliseconds that every request waits. */
  delay = 0;
  private lastId = 0;
  private readonly server = http.createServer((request, response) => {
    void sleep(this.delay).then(async () => {
      const { status, body } = await this.answer(request);
      response.writeHead(status, { "Content-Type": "application/json", "X-Backend-Pod": "fake-pod" });
      response.end(body === undefined ? "" : JSON.stringify(body));
    });
  });

  static async start(): Promise<Backend> {
    const backend = new Backend();
    await backend.listen(0);
    return backend;
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve) => {
      this.server.listen(port, "127.0.0.1", resolve);
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  stop(): Promise<unknown> {
    return new Promise((resolve) => {
      this.server.close(resolve);
      this.server.closeAllConnections();
    });
  }

  add(userId: string, title: string, completed = false, description: string | null = null): Task {
    this.lastId += 1;
    const now = new Date(Date.now() + this.lastId).toISOString();
    const task = { id: this.lastId, user_id: userId, title, description, completed, created_at: now, updated_at: now };
    this.tasks.set(task.id, task);
    return task;
  }

  private async answer(request: http.IncomingMessage): Promise<Answer> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (this.failure) return this.failure;
    const subject = await this.subject(request.headers.authorization);
    if (!subject) return { status: 401, body: { detail: "Invalid token" } };
    const [, , userId = "", what, id] = (request.url ?? "").split("/");
    if (userId !== subject) return { status: 403, body: { detail: "Not yours" } };
    const body = chunks.length > 0 ? (JSON.parse(Buffer.concat(chunks).toString()) as Record<string, never>) : {};
    if (what === "chat") return this.chat(body.message ?? "", userId);
    return this.tasksAnswer(request.method ?? "", userId, id, body);
  }

  private tasksAnswer(method: string, userId: string, id: string | undefined, body: Partial<Task>): Answer {
    if (id === undefined) {
      if (method === "GET") {
        return { status: 200, body: [...this.tasks.values()].filter((task) => task.user_id === userId) };
      }
      return { status: 201, body: this.add(userId, body.title ?? "", false, body.description ?? null) };
    }
    const task = this.tasks.get(Number(id));
    if (!task || task.user_id !== userId) return { status: 404, body: { detail: "No such task" } };
    if (method === "DELETE") {
      this.tasks.delete(task.id);
      return { status: 204 };
    }
    if (method === "PUT") Object.assign(task, body);
    return { status: 200, body: task };
  }

  private async subject(authorization: string | undefined): Promise<string | null> {
    const token = authorization?.replace(/^Bearer /, "") ?? "";
    try {
      const { payload } = await jwtVerify(token, new TextEncoder().encode(SECRET), {
        issuer: "todo-app",
        audience: "todo-api",
        algorithms: ["HS256"],
      });
      return payload.sub ?? null;
    } catch {
      return null;
    }
  }
}
