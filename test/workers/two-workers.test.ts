import { expect, test } from "vitest";

import { twoWorkers } from "./two-workers.ts";

test("two workers that resume the same executions at once do each effect once", async () => {
  const { faults, ...figures } = await twoWorkers(10, "direct");
  expect(faults).toEqual([]);
  expect(figures).toMatchObject({ effects: 30, twice: 0, lost: 0, "finished once": 10 });
});
