"use client";

import { useCallback, useEffect, useReducer, useRef } from "react";
import * as api from "./api";
import { initialState, reduce, type Item, type TaskState } from "./task-state";

/** What the server found while it rendered the page. */
export type InitialTasks = { readonly tasks: api.Task[] } | { readonly detail: string };

export interface Tasks {
  readonly state: TaskState;
  reload(): Promise<void>;
  add(title: string, description?: string | null): Promise<Item | null>;
  change(item: Item, change: api.TaskChange): Promise<boolean>;
  remove(item: Item): Promise<boolean>;
  /** Create a removed task again where it was. */
  restore(item: Item, index: number): Promise<void>;
}

/**
 * The person's tasks. Every change shows at once, is sent behind the ones before it to the same
 * task, and is taken back when the server refuses it; `onProblem` is then told why.
 */
export function useTasks(
  userId: string,
  initial: Promise<InitialTasks>,
  onProblem: (what: string, error: unknown) => void,
): Tasks {
  const [state, dispatch] = useReducer(reduce, initialState);
  const queues = useRef(new Map<string, Promise<number | null>>());
  const lastKey = useRef(0);

  useEffect(() => {
    let current = true;
    void initial.then((found) => {
      if (!current) return;
      if ("tasks" in found) dispatch({ type: "loaded", tasks: found.tasks });
      else dispatch({ type: "failed", detail: found.detail });
    });
    return () => {
      current = false;
    };
  }, [initial]);

  const reload = useCallback(async () => {
    try {
      dispatch({ type: "loaded", tasks: await api.listTasks(userId) });
    } catch (error) {
      dispatch({ type: "failed", detail: error instanceof Error ? error.message : String(error) });
    }
  }, [userId]);

  /** Do something with the task's id once all that was asked before has been answered. */
  const enqueue = useCallback(
    async (item: Item, work: (id: number) => Promise<unknown>): Promise<void> => {
      const before = queues.current.get(item.key) ?? Promise.resolve(item.id);
      const next = before.then(async (id) => {
        if (id !== null) await work(id);
        return id;
      });
      // A failed step must not block the ones behind it.
      queues.current.set(item.key, next.catch(() => before));
      await next;
    },
    [],
  );

  const create = useCallback(
    async (item: Item): Promise<Item | null> => {
      const created = api
        .createTask(userId, { title: item.title, description: item.description })
        .then(async (task) => {
          if (item.completed) await api.updateTask(userId, task.id, { completed: true });
          return task;
        });
      queues.current.set(
        item.key,
        created.then(
          (task) => task.id,
          () => null,
        ),
      );
      try {
        const task = await created;
        dispatch({ type: "confirmed", key: item.key, task });
        return { ...item, id: task.id };
      } catch (error) {
        dispatch({ type: "removed", key: item.key });
        onProblem(`“${item.title}” was not added`, error);
        return null;
      }
    },
    [userId, onProblem],
  );

  const add = useCallback(
    (title: string, description: string | null = null) => {
      lastKey.current += 1;
      const item: Item = {
        key: `new-${lastKey.current}`,
        id: null,
        title,
        description,
        completed: false,
        created_at: new Date().toISOString(),
      };
      dispatch({ type: "added", item });
      return create(item);
    },
    [create],
  );

  const change = useCallback(
    async (item: Item, wanted: api.TaskChange) => {
      const before = Object.fromEntries(
        Object.keys(wanted).map((field) => [field, item[field as keyof api.TaskChange]]),
      );
      dispatch({ type: "changed", key: item.key, change: wanted });
      try {
        await enqueue(item, (id) => api.updateTask(userId, id, wanted));
        return true;
      } catch (error) {
        dispatch({ type: "changed", key: item.key, change: before });
        onProblem(`“${item.title}” was not changed`, error);
        return false;
      }
    },
    [enqueue, userId, onProblem],
  );

  const remove = useCallback(
    async (item: Item) => {
      const index = state.items.findIndex((other) => other.key === item.key);
      dispatch({ type: "removed", key: item.key });
      try {
        await enqueue(item, (id) => api.deleteTask(userId, id));
        return true;
      } catch (error) {
        if (error instanceof api.ApiError && error.status === 404) return true;
        dispatch({ type: "restored", item, index });
        onProblem(`“${item.title}” was not deleted`, error);
        return false;
      }
    },
    [enqueue, userId, onProblem, state.items],
  );

  const restore = useCallback(
    async (item: Item, index: number) => {
      lastKey.current += 1;
      const again: Item = { ...item, id: null, key: `new-${lastKey.current}` };
      dispatch({ type: "restored", item: again, index });
      await create(again);
    },
    [create],
  );

  return { state, reload, add, change, remove, restore };
}
