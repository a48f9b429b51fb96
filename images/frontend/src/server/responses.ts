/** Answers of the API: every error is {"detail": …}, and nothing is ever cached. */

const NO_STORE = { "Cache-Control": "no-store" };

export function json(body: unknown, status = 200, headers: HeadersInit = {}): Response {
  const response = Response.json(body, { status, headers });
  response.headers.set("Cache-Control", "no-store");
  return response;
}

export function problem(status: number, detail: string, headers: HeadersInit = {}): Response {
  return json({ detail }, status, headers);
}

export function unauthorized(detail: string): Response {
  return problem(401, detail, { ...NO_STORE, "WWW-Authenticate": "Bearer" });
}

/** The body as a JSON object, or null when it is none. */
export async function readObject(request: Request): Promise<Record<string, unknown> | null> {
  try {
    const body: unknown = await request.json();
    return typeof body === "object" && body !== null && !Array.isArray(body)
      ? (body as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
