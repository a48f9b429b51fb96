/** The built app, run as the image runs it. */

import { spawn, type ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./ports";
import { APP } from "./requirements";

export const SECRET = "an-acceptance-secret-of-48-characters-0123456789";

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Run one of the image's commands with exactly this environment. */
export class Command {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  output = "";

  constructor(file: "server.mjs" | "migrate.mjs", env: Record<string, string>) {
    this.process = spawn(process.execPath, [file], {
      cwd: APP,
      env: { PATH: process.env.PATH ?? "", NODE_ENV: "production", ...env } as NodeJS.ProcessEnv,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.process.stdout!, this.process.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => (this.output += text));
    }
    this.ended = new Promise((resolve) => {
      this.process.once("close", (code) => resolve({ code, output: this.output }));
    });
  }
}

export class App {
  private constructor(
    readonly origin: string,
    readonly command: Command,
  ) {}

  static async start(env: Record<string, string>): Promise<App> {
    const port = await freePort();
    const command = new Command("server.mjs", { BETTER_AUTH_SECRET: SECRET, PORT: String(port), ...env });
    const app = new App(`http://127.0.0.1:${port}`, command);
    const deadline = Date.now() + 30_000;
    while (!(await app.answers())) {
      if (command.process.exitCode !== null) throw new Error(`the app ended:\n${command.output}`);
      if (Date.now() > deadline) {
        command.process.kill("SIGKILL");
        throw new Error(`the app did not answer within 30 s:\n${command.output}`);
      }
      await sleep(50);
    }
    return app;
  }

  private async answers(): Promise<boolean> {
    return fetch(`${this.origin}/api/health`).then(
      (response) => response.ok,
      () => false,
    );
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.origin + path, { redirect: "manual", ...init });
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  }

  async stop(): Promise<Ended> {
    this.command.process.kill("SIGTERM");
    return this.command.ended;
  }
}

export async function migrate(databaseUrl: string): Promise<Ended> {
  return new Command("migrate.mjs", { DATABASE_URL: databaseUrl }).ended;
}
