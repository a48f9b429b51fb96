import { expect, test } from "vitest";
import { readDetail } from "@/lib/api";
import { changesTasks, summarize } from "@/lib/chat-summary";
import { databaseCause, isDatabaseDown } from "@/server/database";

test.each([
  ["A sentence", "A sentence"],
  [[{ msg: "too long" }, { msg: "missing" }], "too long; missing"],
  [[], null],
  [undefined, null],
  [{ a: 1 }, null],
])("the detail %j reads %j", (detail, expected) => {
  expect(readDetail(detail)).toBe(expected);
});

test.each([
  [{ tool: "add_task", arguments: { title: "Milk" }, result: { id: 1, title: "Milk" } }, "Added: Milk"],
  [{ tool: "complete_task", arguments: { task_id: 1 }, result: { title: "Milk" } }, "Completed: Milk"],
  [
    { tool: "complete_task", arguments: { task_id: 1 }, result: { title: "Milk", completed: false } },
    "Reopened: Milk",
  ],
  [{ tool: "complete_task", arguments: { task_id: 1 }, result: { error: "no such task" } }, null],
  [{ tool: "list_tasks", arguments: {}, result: [] }, null],
])("the action %j is told as %j", (action, expected) => {
  expect(summarize(action)).toBe(expected);
});

test("only looking at the list changes nothing", () => {
  const look = { tool: "list_tasks", arguments: {}, result: [] };
  expect(changesTasks([look])).toBe(false);
  expect(changesTasks([look, { ...look, tool: "add_task" }])).toBe(true);
});

const coded = (code: string, message = "x") => Object.assign(new Error(message), { code });

test.each([
  [coded("ENOTFOUND"), true, /does not resolve/],
  [coded("ECONNREFUSED"), true, /connection refused/],
  [new AggregateError([coded("ECONNREFUSED")], ""), true, /connection refused/],
  [new Error("timeout expired"), true, /no answer within 3 s/],
  [new Error("Connection terminated unexpectedly"), true, /terminated/],
  [coded("57P03"), true, /starting up/],
  [coded("28P01"), true, /password was not accepted/],
  [coded("42P01", 'relation "user" does not exist'), false, /does not exist \(42P01\)/],
  [new TypeError("x is not a function"), false, /not a function/],
])("%s: is the database down? %s", (error, down, words) => {
  expect(isDatabaseDown(error)).toBe(down);
  expect(databaseCause(error)).toMatch(words);
});
