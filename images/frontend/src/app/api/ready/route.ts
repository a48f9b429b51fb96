import { authOptions, warmUp } from "@/server/auth";
import { notReadyCause, expectedColumns } from "@/server/readiness";
import { json, problem } from "@/server/responses";
import { getConfig, getPool } from "@/server/runtime";

export const dynamic = "force-dynamic";

let expected: Map<string, string[]> | undefined;

/** Readiness: the database answers and is migrated. The backend has a readiness of its own. */
export async function GET(): Promise<Response> {
  const { authSecret, publicOrigin } = getConfig();
  expected ??= expectedColumns(authOptions(getPool(), authSecret, publicOrigin));
  const cause = await notReadyCause(getPool(), expected);
  if (cause) return problem(503, cause);
  await warmUp();
  return json({ status: "ready" });
}
