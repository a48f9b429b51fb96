/** What a file of tests has started ends with it, also when starting the next thing failed. */

import { afterAll } from "vitest";

export interface Cleanup {
  /** Remember how this one ends; they end in reverse order. */
  <Thing>(thing: Thing, end: (thing: Thing) => unknown): Thing;
}

export function cleanup(): Cleanup {
  const ends: (() => unknown)[] = [];
  afterAll(async () => {
    const failures: unknown[] = [];
    for (const end of ends.toReversed()) {
      try {
        await end();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join("; "));
  });
  return (thing, end) => {
    ends.push(() => end(thing));
    return thing;
  };
}
