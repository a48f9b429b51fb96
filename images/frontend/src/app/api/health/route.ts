import { json } from "@/server/responses";

export const dynamic = "force-dynamic";

/** Liveness: the process serves. It looks at nothing else. */
export function GET(): Response {
  return json({ status: "ok" });
}
