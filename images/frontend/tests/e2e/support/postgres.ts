/** A real PostgreSQL of its own in a temporary directory. */

import { execFile, spawn, type ChildProcess } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { freePort } from "./ports";
import { initdb, openssl, postgres } from "./requirements";

const run = promisify(execFile);
const USER = "todo";
const PASSWORD = "throw-away";

// The server refuses to run as root; Debian's package brings a user for it.
function identity(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const line = fs
    .readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((entry) => entry.startsWith("postgres:"));
  if (!line) throw new Error("as root, these tests need the system user postgres");
  const [, , uid, gid] = line.split(":");
  return { uid: Number(uid), gid: Number(gid) };
}

export class Postgres {
  private process: ChildProcess | null = null;

  private constructor(
    readonly directory: string,
    readonly port: number,
    private readonly tls: boolean,
  ) {}

  static async create({ tls = false } = {}): Promise<Postgres> {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "todo-postgres-"));
    const { uid, gid } = identity();
    if (uid !== undefined && gid !== undefined) fs.chownSync(directory, uid, gid);
    const passwordFile = path.join(directory, "password");
    fs.writeFileSync(passwordFile, PASSWORD, { mode: 0o644 });
    const server = new Postgres(directory, await freePort(), tls);
    try {
      await run(
        initdb!,
        ["-D", server.data, "-U", USER, "-E", "UTF8", "--no-sync", "--auth=scram-sha-256", `--pwfile=${passwordFile}`],
        { ...identity(), cwd: directory, timeout: 60_000 },
      );
      if (tls) await server.makeCertificate();
      await server.start();
      await server.query("create database todo", "postgres");
    } catch (error) {
      await server.remove();
      throw error;
    }
    return server;
  }

  private get data(): string {
    return path.join(this.directory, "data");
  }

  get certificate(): string {
    return path.join(this.directory, "server.crt");
  }

  url(query = "", host = "127.0.0.1", database = "todo"): string {
    return `postgresql://${USER}:${PASSWORD}@${host}:${this.port}/${database}${query}`;
  }

  private async makeCertificate(): Promise<void> {
    await run(
      openssl!,
      ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost", "-keyout", "server.key", "-out", "server.crt"],
      { ...identity(), cwd: this.directory, timeout: 60_000 },
    );
  }

  async start(): Promise<void> {
    const settings = [
      "fsync=off",
      "listen_addresses=127.0.0.1",
      `unix_socket_directories=${this.directory}`,
      ...(this.tls
        ? ["ssl=on", `ssl_cert_file=${this.certificate}`, `ssl_key_file=${path.join(this.directory, "server.key")}`]
        : []),
    ];
    const options = settings.flatMap((setting) => ["-c", setting]);
    this.process = spawn(postgres!, ["-D", this.data, "-p", String(this.port), ...options], {
      ...identity(),
      cwd: this.directory,
      stdio: ["ignore", "ignore", "pipe"],
    });
    // Its log says when it is up; nothing else has to be asked again and again.
    await new Promise<void>((resolve, reject) => {
      let log = "";
      this.process!.stderr!.setEncoding("utf8").on("data", (text: string) => {
        log += text;
        if (log.includes("ready to accept connections")) resolve();
      });
      this.process!.once("exit", () => reject(new Error(`PostgreSQL did not start:\n${log}`)));
    });
  }

  async stop(): Promise<void> {
    const { process: server } = this;
    if (!server || server.exitCode !== null) return;
    const ended = new Promise((resolve) => {
      server.once("exit", resolve);
    });
    server.kill("SIGINT");
    await ended;
  }

  /** Hold all of its processes: connections stay open and nothing answers. */
  async freeze(): Promise<() => void> {
    const { stdout } = await run("ps", ["-o", "pid=", "--ppid", String(this.process!.pid)], {
      timeout: 10_000,
    });
    const all = [this.process!.pid!, ...stdout.trim().split(/\s+/).map(Number)];
    for (const pid of all) process.kill(pid, "SIGSTOP");
    return () => {
      for (const pid of all) process.kill(pid, "SIGCONT");
    };
  }

  async query<Row extends object>(sql: string, database = "todo"): Promise<Row[]> {
    const client = new Client({ connectionString: this.url("", "127.0.0.1", database) });
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async remove(): Promise<void> {
    await this.stop();
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}
