import { sessionUser } from "@/server/auth";
import { databaseUnavailable } from "@/server/auth-responses";
import { isDatabaseDown } from "@/server/database";
import { json, unauthorized } from "@/server/responses";
import { getConfig } from "@/server/runtime";
import { mintToken } from "@/server/token";

export async function GET(request: Request): Promise<Response> {
  try {
    const user = await sessionUser(request.headers);
    if (!user) return unauthorized("Not signed in");
    return json({ token: await mintToken(user.id, getConfig().authSecret) });
  } catch (error) {
    if (isDatabaseDown(error)) return databaseUnavailable(error);
    throw error;
  }
}
