// Hands requests on to the backend, whose address is read while the server runs.
import type { NextRequest } from "next/server";

export const dynamic = "force-dynamic";

const HANDED_ON = ["accept", "authorization", "content-type"];

async function handOn(request: NextRequest): Promise<Response> {
  const backend = process.env.BACKEND_URL;
  if (!backend) {
    return Response.json({ detail: "BACKEND_URL is not set" }, { status: 500 });
  }
  const { pathname, search } = request.nextUrl;
  const headers = new Headers();
  for (const name of HANDED_ON) {
    const value = request.headers.get(name);
    if (value) {
      headers.set(name, value);
    }
  }
  const body = ["GET", "HEAD"].includes(request.method) ? undefined : await request.arrayBuffer();
  try {
    const answer = await fetch(new URL(pathname + search, backend), {
      method: request.method,
      headers,
      body: body?.byteLength ? body : undefined,
      redirect: "manual",
      cache: "no-store",
      signal: AbortSignal.timeout(10_000),
    });
    const type = answer.headers.get("content-type");
    return new Response(answer.body, {
      status: answer.status,
      headers: type ? { "Content-Type": type } : {},
    });
  } catch (error) {
    console.error(`${request.method} ${pathname}: ${(error as Error).message}`);
    return Response.json({ detail: "the backend cannot be reached" }, { status: 502 });
  }
}

export { handOn as DELETE, handOn as GET, handOn as PATCH, handOn as POST, handOn as PUT };
