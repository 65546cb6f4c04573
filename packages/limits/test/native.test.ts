import type { AIMessage, ToolMessage } from "@langchain/core/messages";
import { MemorySaver } from "@langchain/langgraph";
import { createAgent } from "langchain";
import { describe, expect, test } from "vitest";

import { budgetMiddleware, circuitBreakerMiddleware } from "../src/index.ts";
import type { BudgetMiddlewareOptions, CircuitBreakerMiddlewareOptions } from "../src/index.ts";
import { codeOf, thread } from "./support/agent.ts";
import type { TestGraph } from "./support/agent.ts";
import { ask, dangling, lastText, lookUp, seeker } from "./support/seeker.ts";

const native = (options: BudgetMiddlewareOptions, saver = new MemorySaver(), turns = 50) => {
  const model = seeker({ turns, callsPerTurn: 2 });
  const { tool, calls } = lookUp();
  const agent = createAgent({
    model,
    tools: [tool],
    checkpointer: saver,
    middleware: [budgetMiddleware(options) as never],
  }) as unknown as TestGraph;
  return { agent, model, calls };
};

describe("budgets in native createAgent, without a seam around the run", () => {
  test("end with an answer of the model, every call answered", async () => {
    const { agent, model, calls } = native({ perExecution: { tokens: 300 } });
    const result = await agent.invoke(ask(), thread());
    expect(lastText(result)).toBe("answered after 3 turns");
    expect(dangling(result)).toEqual([]);
    expect([model.calls.length, calls.length]).toEqual([4, 4]);
  });

  test("hold within one superstep", async () => {
    const { agent, calls } = native({ perExecution: { toolCalls: 3 } });
    const result = await agent.invoke(ask(), thread());
    expect(calls).toHaveLength(3);
    expect(dangling(result)).toEqual([]);
  });

  test("end with a code", async () => {
    const { agent } = native({ perExecution: { modelCalls: 2 }, exitBehavior: "error" });
    expect(await codeOf(agent.invoke(ask(), thread()))).toBe("budget-exhausted");
  });

  test("are kept with the thread, over a pause into another agent object", async () => {
    const saver = new MemorySaver();
    const first = native({ perThread: { tokens: 450 } }, saver, 3);
    const paused = { ...thread(), interruptBefore: ["tools"] };
    await first.agent.invoke(ask(), paused);
    const second = native({ perThread: { tokens: 450 } }, saver, 3);
    await second.agent.invoke(null, thread());
    expect(first.model.calls.length + second.model.calls.length).toBe(4);
    const third = native({ perThread: { tokens: 450 } }, saver, 50);
    const result = await third.agent.invoke(ask("And then?"), thread());
    expect(third.model.calls).toHaveLength(2);
    expect(lastText(result)).toMatch(/^answered after/);
  });

  test("leave nothing of themselves in a result", async () => {
    const { agent } = native({ perExecution: { tokens: 1e6 } }, new MemorySaver(), 1);
    const result = await agent.invoke(ask(), thread());
    expect(Object.keys(result).filter((key) => key.startsWith("_"))).toEqual([]);
  });
});

test("a breaker works in native createAgent as around it", async () => {
  const options: CircuitBreakerMiddlewareOptions = {
    window: 2,
    minimumCalls: 2,
    halfOpenAfterMs: 60_000,
  };
  const { tool, calls } = lookUp(
    () => {
      throw new Error("503 Service Unavailable");
    },
    { reports: true },
  );
  const model = seeker({ callsPerTurn: 3, turns: 3 });
  const agent = createAgent({
    model,
    tools: [tool],
    checkpointer: new MemorySaver(),
    middleware: [circuitBreakerMiddleware(options) as never],
  }) as unknown as TestGraph;
  const result = await agent.invoke(ask(), thread("native"));
  expect(calls).toHaveLength(3);
  expect(dangling(result)).toEqual([]);
  const [first] = result["messages"] as (AIMessage | ToolMessage)[];
  expect(first?.type).toBe("human");
  expect(model.calls).toHaveLength(2);
});
