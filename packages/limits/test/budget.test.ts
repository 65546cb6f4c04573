import type { EvenkeelEvent } from "@evenkeel/core";
import { MemorySaver } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";

import { budgetMiddleware } from "../src/index.ts";
import type { BudgetMiddlewareOptions } from "../src/index.ts";
import { SHAPES, agentOf, codeOf, keptIn, thread } from "./support/agent.ts";
import type { AgentParts, TestGraph } from "./support/agent.ts";
import { ask, dangling, lastText, lookUp, seeker } from "./support/seeker.ts";

const setUp = (
  options: BudgetMiddlewareOptions,
  parts: Partial<AgentParts> & Parameters<typeof seeker>[0] = {},
) => {
  const model = seeker(parts);
  const { tool, calls } = lookUp();
  const events: EvenkeelEvent[] = [];
  const checkpointer = new MemorySaver();
  const graph: TestGraph = agentOf({
    tools: [tool],
    middleware: [budgetMiddleware(options)],
    checkpointer,
    events,
    ...parts,
    model,
  });
  return { model, calls, events, checkpointer, graph };
};

describe.each(SHAPES)("in a %s", (shape) => {
  test("the model answers from what it has once the tokens are used up, and every call has an answer", async () => {
    const { graph, model, calls, events } = setUp(
      { perExecution: { tokens: 350 } },
      { shape, callsPerTurn: 2 },
    );
    const result = await graph.invoke(ask(), thread("thread-1", { recursionLimit: 60 }));
    expect(lastText(result)).toMatch(/^answered after/);
    expect(dangling(result)).toEqual([]);
    // Four calls use up 350 of 100 each; the fifth is the answer.
    expect(model.calls).toHaveLength(5);
    expect(model.calls.at(-1)?.parameters["tools"] ?? []).toEqual([]);
    expect(calls).toHaveLength(6);
    const names = events.map(({ name }) => name).filter((name) => name.startsWith("budget-"));
    expect(names).toEqual(["budget-warned", "budget-exhausted"]);
  });

  test("no more tool calls are made than allowed, however many are asked for at once", async () => {
    const { graph, model, calls } = setUp(
      { perExecution: { toolCalls: 5 } },
      { shape, callsPerTurn: 4 },
    );
    const result = await graph.invoke(ask(), thread());
    expect(calls).toHaveLength(5);
    expect(dangling(result)).toEqual([]);
    expect(lastText(result)).toMatch(/^answered after 2 turns/);
    expect(model.calls).toHaveLength(3);
  });

  test("the last model call that is allowed is the one that answers", async () => {
    const { graph, model } = setUp({ perExecution: { modelCalls: 3 } }, { shape });
    const result = await graph.invoke(ask(), thread());
    expect(model.calls).toHaveLength(3);
    expect(lastText(result)).toBe("answered after 2 turns");
    expect(dangling(result)).toEqual([]);
  });

  test('ends without asking the model with exitBehavior "end"', async () => {
    const { graph, model } = setUp(
      { perExecution: { modelCalls: 2 }, exitBehavior: "end" },
      { shape },
    );
    const result = await graph.invoke(ask(), thread());
    expect(model.calls).toHaveLength(2);
    expect(lastText(result)).toContain("model calls: 2 of 2");
    expect(dangling(result)).toEqual([]);
  });

  test('ends with a code with exitBehavior "error", no call without an answer', async () => {
    const { graph, checkpointer } = setUp(
      { perExecution: { toolCalls: 3 }, exitBehavior: "error" },
      { shape, callsPerTurn: 2 },
    );
    expect(await codeOf(graph.invoke(ask(), thread()))).toBe("budget-exhausted");
    const { values } = await graph.getState(thread());
    expect(dangling(values as Record<string, unknown>)).toEqual([]);
    expect(await keptIn(checkpointer, "_budget")).toMatchObject({
      spent: { execution: { sums: { toolCalls: 3 } } },
    });
  });

  test("keeps nothing that grows with the run", async () => {
    const sizes = await Promise.all(
      [3, 12].map(async (turns) => {
        const { graph, checkpointer } = setUp(
          { perExecution: { tokens: 1e6, toolCalls: 1e6 } },
          { shape, turns },
        );
        await graph.invoke(ask(), thread("thread-1", { recursionLimit: 100 }));
        return JSON.stringify(await keptIn(checkpointer, "_budget")).length;
      }),
    );
    expect(Math.abs((sizes[1] ?? 0) - (sizes[0] ?? 0))).toBeLessThan(20);
  });
});
