/** What the assistant did, in a few words for each action. */

import type { ChatAction } from "./api";

const VERBS: Record<string, string> = { add_task: "Added", complete_task: "Completed" };

/** null for actions that changed nothing. */
export function summarize(action: ChatAction): string | null {
  const result = action.result as { title?: unknown; completed?: unknown; error?: unknown } | null;
  if (result && typeof result === "object" && "error" in result) return null;
  const reopened = action.tool === "complete_task" && result?.completed === false;
  const verb = reopened ? "Reopened" : VERBS[action.tool];
  if (!verb) return null;
  const title = typeof result?.title === "string" ? result.title : action.arguments.title;
  return typeof title === "string" && title ? `${verb}: ${title}` : verb;
}

export function changesTasks(actions: readonly ChatAction[]): boolean {
  return actions.some((action) => action.tool !== "list_tasks");
}
