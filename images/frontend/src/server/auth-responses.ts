/** Better Auth's answers in this API's words: every error carries {"detail": …}. */

import { handleAuth } from "./auth";
import { databaseCause, isDatabaseDown } from "./database";
import { isSameOrigin } from "./origin";
import { getConfig, getPool } from "./runtime";
import { problem, json, readObject } from "./responses";
import { mintToken } from "./token";

interface AuthBody {
  message?: unknown;
  code?: unknown;
  user?: { id?: unknown };
}

/** Better Auth's answer to a request; an error gets its cause as `detail`. */
export async function answerAuth(request: Request): Promise<Response> {
  try {
    return await withDetail(await handleAuth(request));
  } catch (error) {
    if (isDatabaseDown(error)) return databaseUnavailable(error);
    throw error;
  }
}

async function withDetail(response: Response): Promise<Response> {
  if (response.status < 400) return response;
  if (response.status >= 500) return (await databaseProblem()) ?? problem(500, "Internal error");
  const body = (await response.json().catch(() => ({}))) as AuthBody;
  const detail = typeof body.message === "string" ? body.message : response.statusText;
  const headers = new Headers();
  const retry = response.headers.get("retry-after") ?? response.headers.get("x-retry-after");
  if (retry) headers.set("Retry-After", retry);
  return json({ ...body, detail: detail || "The request was not accepted" }, response.status, headers);
}

/** 503 with the cause when the database does not answer, null when it does. */
async function databaseProblem(): Promise<Response | null> {
  try {
    await getPool().query("select 1");
    return null;
  } catch (error) {
    return databaseUnavailable(error);
  }
}

export function databaseUnavailable(error: unknown): Response {
  return problem(503, `The database cannot be reached: ${databaseCause(error)}`);
}

/** Sign up or in: the person, a token for the API, and the session's cookie. */
export async function authenticate(
  request: Request,
  path: "/sign-up/email" | "/sign-in/email",
  fields: readonly string[],
  status: number,
): Promise<Response> {
  // Browsers name the origin of every such request; other programs have no cookies to abuse.
  const { authSecret, publicOrigin } = getConfig();
  if (request.headers.has("origin") && !isSameOrigin(request.headers, publicOrigin)) {
    return problem(403, "Accepted from this app's own pages only");
  }
  const body = await readObject(request);
  if (!body) return problem(422, "The body has to be a JSON object");
  const values: Record<string, string> = {};
  for (const field of fields) {
    const value = body[field];
    if (typeof value !== "string" || !value.trim()) return problem(422, `${field} is required`);
    values[field] = field === "password" ? value : value.trim();
  }
  let response: Response;
  try {
    response = await handleAuth(request, path, values);
  } catch (error) {
    if (isDatabaseDown(error)) return databaseUnavailable(error);
    throw error;
  }
  if (!response.ok) return withDetail(response);
  const { user } = (await response.json()) as AuthBody;
  if (typeof user?.id !== "string") return problem(500, "Internal error");
  const token = await mintToken(user.id, authSecret);
  const answer = json({ user, token }, status);
  for (const cookie of response.headers.getSetCookie()) answer.headers.append("Set-Cookie", cookie);
  return answer;
}
