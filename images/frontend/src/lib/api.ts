/** Calls from the browser to this app's own origin. */

export interface Task {
  readonly id: number;
  readonly title: string;
  readonly description: string | null;
  readonly completed: boolean;
  readonly created_at: string;
}

export interface ChatMessage {
  readonly role: "user" | "assistant";
  readonly content: string;
}

export interface ChatAction {
  readonly tool: string;
  readonly arguments: Record<string, unknown>;
  readonly result: unknown;
}

export interface ChatReply {
  readonly reply: string;
  readonly actions: readonly ChatAction[];
}

/** The request failed. `status` is 0 when no answer came at all. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      cache: "no-store",
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
  } catch {
    throw new ApiError(0, "No answer. Check your connection and try again.");
  }
  if (!response.ok) throw new ApiError(response.status, await detailOf(response));
  return (response.status === 204 ? undefined : await response.json()) as T;
}

async function detailOf(response: Response): Promise<string> {
  const body = (await response.json().catch(() => null)) as { detail?: unknown } | null;
  return readDetail(body?.detail) ?? `The server answered with status ${response.status}.`;
}

/** The text of a `detail`: a sentence, or a list of findings about fields. */
export function readDetail(detail: unknown): string | null {
  if (typeof detail === "string" && detail) return detail;
  if (!Array.isArray(detail)) return null;
  const messages = detail
    .map((item: unknown) => (item as { msg?: unknown } | null)?.msg)
    .filter((message) => typeof message === "string");
  return messages.length > 0 ? messages.join("; ") : null;
}

const tasksPath = (userId: string) => `/api/${encodeURIComponent(userId)}/tasks`;

export const listTasks = (userId: string) => call<Task[]>("GET", tasksPath(userId));

export const createTask = (userId: string, task: Pick<Task, "title" | "description">) =>
  call<Task>("POST", tasksPath(userId), task);

export type TaskChange = Partial<Pick<Task, "title" | "description" | "completed">>;

export const updateTask = (userId: string, id: number, change: TaskChange) =>
  call<Task>("PUT", `${tasksPath(userId)}/${id}`, change);

export const deleteTask = (userId: string, id: number) =>
  call<void>("DELETE", `${tasksPath(userId)}/${id}`);

export const sendMessage = (userId: string, message: string, history: readonly ChatMessage[]) =>
  call<ChatReply>("POST", `/api/${encodeURIComponent(userId)}/chat`, { message, history });
