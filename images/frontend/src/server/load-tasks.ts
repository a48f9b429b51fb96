/** A person's tasks for the first rendering of the page. */

import type { Task } from "@/lib/api";
import type { InitialTasks } from "@/lib/use-tasks";
import { BackendUnreachable, callBackend } from "./backend";
import { log } from "./log";
import { getConfig } from "./runtime";
import { mintToken } from "./token";

/** Never rejects: what went wrong becomes `detail`. */
export async function loadTasks(userId: string): Promise<InitialTasks> {
  try {
    const { apiUrl, authSecret } = getConfig();
    const token = await mintToken(userId, authSecret);
    const path = `/api/${encodeURIComponent(userId)}/tasks`;
    const { status, body } = await callBackend(apiUrl, { method: "GET", path, token });
    if (status === 200) return { tasks: JSON.parse(body.toString("utf8")) as Task[] };
    log("warn", "the backend did not list the tasks", { status });
    return { detail: `The backend answered with status ${status}.` };
  } catch (error) {
    if (!(error instanceof BackendUnreachable)) throw error;
    log("warn", error.message);
    return { detail: error.message };
  }
}
