import { beforeAll, describe, expect, test } from "vitest";

import { TROUBLES, playFault } from "./play-fault.ts";
import type { Taken } from "./play-fault.ts";

const ours = new Map<string, Taken>();
beforeAll(async () => {
  for (const trouble of TROUBLES) {
    ours.set(trouble.name, await playFault(trouble, "evenkeel"));
  }
});

describe("one fault schedule, through ours", () => {
  test.each([
    ["model: one 503", { modelRequests: 3, toolRuns: 1, ended: "answered" }],
    ["model: 429, Retry-After 1 s", { modelRequests: 3, toolRuns: 1, ended: "answered" }],
    ["model: hard down", { modelRequests: 3, toolRuns: 0, ended: "failed" }],
    ["model: flapping", { modelRequests: 4, toolRuns: 1, ended: "answered" }],
    ["model: slow", { modelRequests: 2, toolRuns: 1, ended: "answered" }],
    ["model: bad request", { modelRequests: 1, toolRuns: 0, ended: "failed" }],
    ["tool: one 503", { modelRequests: 2, toolRuns: 2, ended: "answered" }],
    ["tool: hard down", { modelRequests: 2, toolRuns: 3, ended: "answered" }],
    ["tool: interrupt", { modelRequests: 1, toolRuns: 1, ended: "paused" }],
    ["abort in the pause", { modelRequests: 1, toolRuns: 0, ended: "failed" }],
  ])("%s", (name, expected) => {
    expect(ours.get(name)).toMatchObject(expected);
  });

  test("the second that was asked for is waited", () => {
    expect(ours.get("model: 429, Retry-After 1 s")?.ms).toBeGreaterThanOrEqual(1_000);
  });

  test("the abort ends the run at once", () => {
    expect(ours.get("abort in the pause")?.ms).toBeLessThan(4_000);
  });
});

test("through LangChain's own, an interrupt is lost", async () => {
  const trouble = TROUBLES.find(({ name }) => name === "tool: interrupt");
  if (trouble === undefined) throw new Error("the schedule has no interrupt");
  const taken = await playFault(trouble, "langchain");
  expect(taken).toMatchObject({ toolRuns: 3, ended: "answered with an error" });
});
