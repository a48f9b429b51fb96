/** The list of tasks as the page shows it: what the server said, and what it will say soon. */

import type { Task } from "./api";

/** A task with a key that stays the same while its id is still to come. */
export interface Item extends Omit<Task, "id"> {
  readonly key: string;
  /** null until the server has answered. */
  readonly id: number | null;
}

export interface TaskState {
  readonly status: "loading" | "ready" | "failed";
  /** Why loading failed. */
  readonly detail: string;
  readonly items: readonly Item[];
}

export const initialState: TaskState = { status: "loading", detail: "", items: [] };

export type TaskEvent =
  | { type: "loading" }
  | { type: "loaded"; tasks: readonly Task[] }
  | { type: "failed"; detail: string }
  | { type: "added"; item: Item }
  | { type: "confirmed"; key: string; task: Task }
  | { type: "changed"; key: string; change: Partial<Item> }
  | { type: "removed"; key: string }
  | { type: "restored"; item: Item; index: number };

export function reduce(state: TaskState, event: TaskEvent): TaskState {
  switch (event.type) {
    case "loading":
      return { ...state, status: "loading", detail: "" };
    case "failed":
      return { ...state, status: "failed", detail: event.detail };
    case "loaded":
      return { status: "ready", detail: "", items: merge(state.items, event.tasks) };
    case "added":
      return { ...state, items: [event.item, ...state.items] };
    case "confirmed":
      return replace(state, event.key, { id: event.task.id, created_at: event.task.created_at });
    case "changed":
      return replace(state, event.key, event.change);
    case "removed":
      return { ...state, items: state.items.filter((item) => item.key !== event.key) };
    case "restored":
      return { ...state, items: state.items.toSpliced(event.index, 0, event.item) };
  }
}

function replace(state: TaskState, key: string, change: Partial<Item>): TaskState {
  return {
    ...state,
    items: state.items.map((item) => (item.key === key ? { ...item, ...change } : item)),
  };
}

/** The server's list, newest first, under the keys that are on the page already. */
function merge(items: readonly Item[], tasks: readonly Task[]): Item[] {
  const keys = new Map(items.map((item) => [item.id, item.key]));
  const waiting = items.filter((item) => item.id === null);
  const known = tasks.map((task) => ({ ...task, key: keys.get(task.id) ?? `task-${task.id}` }));
  known.sort((a, b) => b.created_at.localeCompare(a.created_at) || b.id - a.id);
  return [...waiting, ...known];
}

export type Filter = "all" | "open" | "done";

export function filterItems(items: readonly Item[], filter: Filter): readonly Item[] {
  if (filter === "all") return items;
  return items.filter((item) => item.completed === (filter === "done"));
}
