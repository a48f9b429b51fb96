/** Calls to the backend, and one sentence for each way in which it cannot be reached. */

import http from "node:http";
import https from "node:https";

export const CONNECT_TIMEOUT_MS = 3_000;
export const ANSWER_TIMEOUT_MS = 20_000;
/** The assistant waits for a language model, possibly several times. */
export const CHAT_TIMEOUT_MS = 110_000;
// A new pod is Ready up to a second before every node sends connections to it.
const RETRY_DELAYS_MS = [100, 300, 600, 1_000];

export interface BackendRequest {
  readonly method: string;
  /** Path and query below the backend's address, beginning with a slash. */
  readonly path: string;
  readonly token: string;
  readonly body?: Buffer | string;
  readonly contentType?: string;
  readonly answerTimeoutMs?: number;
}

export interface BackendResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The backend gave no answer. The message names its address and the cause. */
export class BackendUnreachable extends Error {
  override readonly name = "BackendUnreachable";
  constructor(
    readonly address: string,
    readonly code: string,
    cause: unknown,
    readonly timeoutMs = CONNECT_TIMEOUT_MS,
  ) {
    super(`The backend at ${address} cannot be reached: ${explain(address, code, timeoutMs)}`, {
      cause,
    });
  }
}

function explain(address: string, code: string, timeoutMs: number): string {
  const { hostname, host } = new URL(address);
  const seconds = `${timeoutMs / 1000} s`;
  switch (code) {
    case "ENOTFOUND":
      return `the host name ${hostname} does not resolve (ENOTFOUND)`;
    case "EAI_AGAIN":
      return `the host name ${hostname} cannot be resolved at the moment (EAI_AGAIN)`;
    case "ECONNREFUSED":
      return `${host} refuses connections (ECONNREFUSED)`;
    case "ECONNRESET":
      return `${host} closed the connection without an answer (ECONNRESET)`;
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return `there is no route to ${host} (${code})`;
    case "CONNECT_TIMEOUT":
    case "ETIMEDOUT":
      return `no connection to ${host} within ${seconds} (timeout)`;
    case "ANSWER_TIMEOUT":
      return `${host} accepted the request but did not answer within ${seconds} (timeout)`;
    default:
      return `${host} failed (${code})`;
  }
}

const SAFE_METHODS = new Set(["GET", "HEAD"]);
/** What a caller sees of a backend that dies while it works on the request. */
const LOST = new Set(["ECONNRESET", "EPIPE"]);

/**
 * Send one request. Each uses a connection of its own: a Service balances connections, so a kept
 * one would tie all requests to one backend pod, also to one that is going away. A connection
 * that is refused has sent nothing, so it is safely tried again for a moment. One that is lost
 * may have changed something already, so only what changes nothing is asked again.
 *
 * Throws BackendUnreachable when no answer comes.
 */
export async function callBackend(address: string, request: BackendRequest): Promise<BackendResponse> {
  for (const delay of [...RETRY_DELAYS_MS, null]) {
    try {
      return await attempt(address, request);
    } catch (error) {
      if (delay === null || !(error instanceof BackendUnreachable)) throw error;
      const again =
        error.code === "ECONNREFUSED" || (LOST.has(error.code) && SAFE_METHODS.has(request.method));
      if (!again) throw error;
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }
  throw new Error("unreachable");
}

function attempt(address: string, request: BackendRequest): Promise<BackendResponse> {
  const url = new URL(address + request.path);
  const answerTimeoutMs = request.answerTimeoutMs ?? ANSWER_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const fail = (code: string, cause?: unknown, timeoutMs?: number) => {
      clearTimeout(timer);
      outgoing.destroy();
      reject(new BackendUnreachable(address, code, cause, timeoutMs));
    };
    const headers: http.OutgoingHttpHeaders = {
      Accept: "application/json",
      Authorization: `Bearer ${request.token}`,
    };
    if (request.body !== undefined) {
      headers["Content-Type"] = request.contentType ?? "application/json";
      headers["Content-Length"] = Buffer.byteLength(request.body);
    }
    const client = url.protocol === "https:" ? https : http;
    const outgoing = client.request(url, { method: request.method, headers, agent: false });
    let timer = setTimeout(() => fail("CONNECT_TIMEOUT"), CONNECT_TIMEOUT_MS);
    outgoing.on("socket", (socket) => {
      socket.once(url.protocol === "https:" ? "secureConnect" : "connect", () => {
        clearTimeout(timer);
        timer = setTimeout(() => fail("ANSWER_TIMEOUT", undefined, answerTimeoutMs), answerTimeoutMs);
      });
    });
    outgoing.on("error", (error) => fail(codeOf(error), error));
    outgoing.on("response", (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", (error) => fail(codeOf(error), error));
      incoming.on("end", () => {
        clearTimeout(timer);
        resolve({
          status: incoming.statusCode ?? 502,
          headers: incoming.headers,
          body: Buffer.concat(chunks),
        });
      });
    });
    outgoing.end(request.body);
  });
}

function codeOf(error: Error): string {
  // A host name with several addresses fails with one error an address.
  const first = error instanceof AggregateError ? (error.errors[0] as Error) : error;
  return (first as NodeJS.ErrnoException).code ?? first.name;
}
