import { headers } from "next/headers";
import { redirect } from "next/navigation";
import { sessionUser, type SessionUser } from "./auth";
import { databaseCause, isDatabaseDown } from "./database";
import { log } from "./log";

/** Send people who are signed in already to their tasks. */
export async function redirectSignedIn(): Promise<void> {
  let user: SessionUser | null = null;
  try {
    user = await sessionUser(await headers());
  } catch (error) {
    // The form itself needs no database; sending it will say what is wrong.
    if (!isDatabaseDown(error)) throw error;
    log("warn", `session not checked: ${databaseCause(error)}`);
  }
  if (user) redirect("/");
}
