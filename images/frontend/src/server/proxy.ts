/** The API that the browser and other clients call here is answered by the backend. */

import { sessionUser } from "./auth";
import { databaseUnavailable } from "./auth-responses";
import { BackendUnreachable, callBackend, CHAT_TIMEOUT_MS, type BackendResponse } from "./backend";
import { isDatabaseDown } from "./database";
import { log } from "./log";
import { isSameOrigin } from "./origin";
import { problem, unauthorized } from "./responses";
import { getConfig } from "./runtime";
import { mintToken } from "./token";

export const MAX_BODY_BYTES = 256 * 1024;
// Exactly the backend's public paths: nothing else of it can be reached from outside.
const PATHS = /^\/api\/[A-Za-z0-9_-]{1,128}\/(?:tasks(?:\/[A-Za-z0-9_-]{1,32})?|(chat))$/;
const PASSED_HEADERS = ["content-type", "x-backend-pod", "www-authenticate", "retry-after", "allow"];
const SAFE_METHODS = new Set(["GET", "HEAD"]);

/** Answer /api/{user_id}/tasks[/id] and /api/{user_id}/chat from the backend. */
export async function proxy(request: Request): Promise<Response> {
  const url = new URL(request.url);
  const path = url.pathname.replace(/\/$/, "");
  const match = PATHS.exec(path);
  if (!match) return problem(404, "Not found");

  const token = await tokenFor(request);
  if (token instanceof Response) return token;

  const body = SAFE_METHODS.has(request.method) ? undefined : await readBody(request);
  if (body === null) return problem(413, `The body is larger than ${MAX_BODY_BYTES} bytes`);
  try {
    const response = await callBackend(getConfig().apiUrl, {
      method: request.method,
      path: path + url.search,
      token,
      ...(body && body.length > 0
        ? { body, contentType: request.headers.get("content-type") ?? "application/json" }
        : {}),
      ...(match[1] ? { answerTimeoutMs: CHAT_TIMEOUT_MS } : {}),
    });
    return relay(response, request.method);
  } catch (error) {
    if (!(error instanceof BackendUnreachable)) throw error;
    log("warn", error.message, { method: request.method });
    return problem(502, error.message);
  }
}

/** The caller's own bearer token, else one for the session in the cookie, else an answer. */
async function tokenFor(request: Request): Promise<string | Response> {
  const authorization = request.headers.get("authorization");
  if (authorization !== null) {
    const bearer = /^Bearer +([^\s]+) *$/i.exec(authorization)?.[1];
    return bearer ?? unauthorized("The Authorization header has to be: Bearer <token>");
  }
  const { authSecret, publicOrigin } = getConfig();
  if (!request.headers.has("cookie")) return unauthorized("Not signed in");
  // A browser sends the cookie along wherever a request comes from; its origin tells which.
  if (!SAFE_METHODS.has(request.method) && !isSameOrigin(request.headers, publicOrigin)) {
    return problem(403, "Changes by cookie are accepted from this app's own pages only");
  }
  try {
    const user = await sessionUser(request.headers);
    return user ? await mintToken(user.id, authSecret) : unauthorized("Not signed in");
  } catch (error) {
    if (isDatabaseDown(error)) return databaseUnavailable(error);
    throw error;
  }
}

async function readBody(request: Request): Promise<Buffer | null> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > MAX_BODY_BYTES) return null;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function relay(response: BackendResponse, method: string): Response {
  const headers = new Headers({ "Cache-Control": "no-store" });
  for (const name of PASSED_HEADERS) {
    const value = response.headers[name];
    if (value !== undefined) headers.set(name, String(value));
  }
  const empty = response.status === 204 || response.status === 304 || method === "HEAD";
  return new Response(empty ? null : new Uint8Array(response.body), {
    status: response.status,
    headers,
  });
}
