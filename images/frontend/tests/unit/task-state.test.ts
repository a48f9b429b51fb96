import { expect, test } from "vitest";
import type { Task } from "@/lib/api";
import { filterItems, initialState, reduce, type Item, type TaskState } from "@/lib/task-state";

const task = (id: number, change: Partial<Task> = {}): Task => ({
  id,
  title: `Task ${id}`,
  description: null,
  completed: false,
  created_at: `2026-01-01T00:00:0${id}Z`,
  ...change,
});
const fresh: Item = { ...task(9), id: null, key: "new-1" };
const ids = (state: TaskState) => state.items.map((item) => item.id);

const loaded = reduce(initialState, { type: "loaded", tasks: [task(1), task(2)] });

test("loaded tasks come newest first", () => {
  expect(loaded.status).toBe("ready");
  expect(ids(loaded)).toEqual([2, 1]);
});

test("a new task is on top at once, keeps its key when it gets its id, and survives a reload", () => {
  const added = reduce(loaded, { type: "added", item: fresh });
  expect(ids(added)).toEqual([null, 2, 1]);
  expect(ids(reduce(added, { type: "loaded", tasks: [task(1), task(2)] }))).toEqual([null, 2, 1]);
  const confirmed = reduce(added, { type: "confirmed", key: "new-1", task: task(3) });
  const reloaded = reduce(confirmed, { type: "loaded", tasks: [task(1), task(2), task(3)] });
  expect(ids(reloaded)).toEqual([3, 2, 1]);
  expect(reloaded.items[0]?.key).toBe("new-1");
});

test("what is typed while a task waits for its id is not overwritten by the answer", () => {
  const added = reduce(loaded, { type: "added", item: fresh });
  const edited = reduce(added, { type: "changed", key: "new-1", change: { title: "Other" } });
  const confirmed = reduce(edited, { type: "confirmed", key: "new-1", task: task(3) });
  expect(confirmed.items[0]).toMatchObject({ id: 3, title: "Other" });
});

test("a removed task can be put back where it was", () => {
  const item = loaded.items[1]!;
  const removed = reduce(loaded, { type: "removed", key: item.key });
  expect(ids(removed)).toEqual([2]);
  expect(ids(reduce(removed, { type: "restored", item, index: 1 }))).toEqual([2, 1]);
});

test("a failed reload keeps the tasks on the page", () => {
  const failed = reduce(loaded, { type: "failed", detail: "why" });
  expect(failed).toMatchObject({ status: "failed", detail: "why" });
  expect(ids(failed)).toEqual([2, 1]);
});

test("filters", () => {
  const { items } = reduce(initialState, {
    type: "loaded",
    tasks: [task(1), task(2, { completed: true })],
  });
  const shown = (filter: "all" | "open" | "done") => filterItems(items, filter).map(({ id }) => id);
  expect([shown("all"), shown("open"), shown("done")]).toEqual([[2, 1], [1], [2]]);
});
