import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { openWorld, runCrashCase } from "./support/limits-case.ts";
import type { LimitsWorld } from "./support/limits-case.ts";

let world: LimitsWorld;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

// The short form; `npm run test:crash:limits` has every shape, cut and durability.
describe("what was spent before SIGKILL is not forgotten", () => {
  test("a tool that takes the process down with it is called as often as the budget allows", async () => {
    const one = {
      shape: "StateGraph",
      cut: "tool",
      kills: 2,
      budget: { perExecution: { toolCalls: 2 } },
    } as const;
    const outcome = await runCrashCase(one, world);
    expect(outcome).toMatchObject({ toolCalls: 0, text: "That is what I know.", dangling: [] });
    expect(outcome.kept).toMatchObject({ execution: { sums: { toolCalls: 2 } } });
  });

  test("a model whose answer never arrives is asked as often as the budget allows", async () => {
    const one = {
      shape: "createAgent",
      cut: "model",
      kills: 2,
      budget: { perExecution: { modelCalls: 2 }, exitBehavior: "end" },
    } as const;
    const outcome = await runCrashCase(one, world);
    expect(outcome.modelCalls).toBe(2);
    expect(outcome.text).toContain("model calls: 2 of 2");
  });

  test("tokens and calls of a subgraph add up over the processes that made them", async () => {
    const one = {
      shape: "subgraph",
      cut: "after-effect",
      kills: 2,
      budget: { perExecution: { tokens: 400 } },
    } as const;
    const outcome = await runCrashCase(one, world);
    expect(outcome).toMatchObject({ modelCalls: 5, text: "That is what I know.", dangling: [] });
    expect(outcome.kept).toMatchObject({ execution: { sums: { tokens: 500, modelCalls: 5 } } });
  });

  test("retries that were granted stay granted", async () => {
    const one = {
      shape: "createReactAgent v2",
      cut: "after-effect",
      kills: 1,
      tool: "fails",
      toolRetries: 9,
      budget: { retryBudget: { perExecution: 3, reward: 0 }, perExecution: { modelCalls: 2 } },
    } as const;
    const outcome = await runCrashCase(one, world);
    // One call before the crash; after it, one that is no retry, and three that are paid for.
    expect(outcome.toolCalls).toBe(5);
    expect(outcome.kept).toMatchObject({ execution: { sums: { retries: 3 }, retryTokens: 0 } });
  });

  test("a breaker that opened stays open for the process that goes on", async () => {
    const one = {
      shape: "StateGraph",
      cut: "checkpoint",
      kills: 1,
      tool: "fails",
      budget: { perExecution: { modelCalls: 4 } },
      scope: "all",
      breaker: { window: 1, minimumCalls: 1, halfOpenAfterMs: 3_600_000 },
    } as const;
    const outcome = await runCrashCase(one, world);
    expect(outcome.toolCalls).toBe(1);
    expect(outcome.dangling).toEqual([]);
    const next = await runCrashCase({ ...one, kills: 0 }, world, "another thread");
    expect(next.toolCalls).toBe(0);
  });
});
