import { expect, test } from "vitest";
import { FailureCounter, MAX_FAILURES, WINDOW_MS } from "@/server/sign-in-limit";

function failing(times: number, now = () => 0): FailureCounter {
  const counter = new FailureCounter(now);
  for (let time = 0; time < times; time += 1) counter.fail("ada");
  return counter;
}

test("one failure too many closes the door for the rest of the window", () => {
  expect(failing(MAX_FAILURES - 1).retryAfter("ada")).toBe(0);
  expect(failing(MAX_FAILURES).retryAfter("ada")).toBe(WINDOW_MS / 1000);
});

test("other addresses are not affected", () => {
  expect(failing(MAX_FAILURES).retryAfter("bob")).toBe(0);
});

test("a success forgets the failures before it", () => {
  const counter = failing(MAX_FAILURES - 1);
  counter.succeed("ada");
  counter.fail("ada");
  expect(counter.retryAfter("ada")).toBe(0);
});

test("the window ends", () => {
  let now = 0;
  const counter = failing(MAX_FAILURES, () => now);
  now = WINDOW_MS;
  expect(counter.retryAfter("ada")).toBe(0);
  counter.fail("ada");
  expect(counter.retryAfter("ada")).toBe(0);
});
