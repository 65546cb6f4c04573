import type { EvenkeelEvent } from "@evenkeel/core";
import { classifyFailure } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import { AIMessage } from "@langchain/core/messages";
import { MemorySaver } from "@langchain/langgraph";
import { fakeModel } from "langchain";
import { describe, expect, test } from "vitest";

import { budgetMiddleware } from "../src/index.ts";
import type { BudgetMiddlewareOptions, Price, PricedCall } from "../src/index.ts";
import { agentOf, codeOf, keptIn, thread } from "./support/agent.ts";
import { ask, dangling, lastText, lookUp, seeker } from "./support/seeker.ts";

const setUp = (options: BudgetMiddlewareOptions, model: object = seeker({ turns: 5 })) => {
  const saver = new MemorySaver();
  const events: EvenkeelEvent[] = [];
  const graph = agentOf({
    model,
    tools: [lookUp().tool],
    checkpointer: saver,
    events,
    middleware: [budgetMiddleware(options)],
  });
  const warnings = (): unknown[] =>
    events
      .filter(({ name }) => name === "middleware-warning")
      .map(({ detail }) => detail["reason"]);
  return { graph, saver, events, warnings };
};
const sums = async (saver: MemorySaver): Promise<unknown> =>
  ((await keptIn(saver, "_budget"))["spent"] as { execution: { sums: unknown } }).execution.sums;

describe("money", () => {
  test("is what `price` says of each call, asked with the model and the provider's own figures", async () => {
    const asked: PricedCall[] = [];
    const price: Price = (call) => {
      asked.push(call);
      return (call.inputTokens * 3 + call.outputTokens * 15) / 1e6;
    };
    const { graph, saver } = setUp({ perExecution: { cost: 0.0024 }, price });
    const result = await graph.invoke(ask(), thread());
    // 60 and 40 tokens are 0.00078: the fourth call is beyond 0.0024, and the fifth answers.
    expect(lastText(result)).toBe("answered after 4 turns");
    expect(asked[0]).toMatchObject({
      model: "scripted",
      provider: "scripted",
      inputTokens: 60,
      outputTokens: 40,
      totalTokens: 100,
      usage: { input_tokens: 60 },
    });
    expect(await sums(saver)).toMatchObject({ cost: expect.closeTo(0.0039, 8) });
  });

  test.each<[string, Price]>([
    ["NaN", () => Number.NaN],
    ["a negative number", () => -1],
    ["infinity", () => Infinity],
    ["a text", () => "0.1" as never],
    ["nothing", () => undefined as never],
    ["a promise", (async () => 1) as never],
    [
      "an error",
      () => {
        throw new Error("no such model in the price list");
      },
    ],
  ])("is not spent unseen where `price` gives %s", async (_title, price) => {
    const { graph, warnings } = setUp({ perExecution: { cost: 1 }, price });
    expect(await codeOf(graph.invoke(ask(), thread()))).toBe("price-invalid");
    expect(warnings()).toEqual(["price-invalid"]);
    // The answer that was paid for is there, its calls are done, and a corrected price goes on.
    const { values } = await graph.getState(thread());
    expect(dangling(values as Record<string, unknown>)).toEqual([]);
  });

  test("goes on once `price` is corrected", async () => {
    let broken = true;
    const price: Price = () => (broken ? Number.NaN : 0.1);
    const { graph } = setUp({ perExecution: { cost: 1 }, price });
    expect(await codeOf(graph.invoke(ask(), thread()))).toBe("price-invalid");
    broken = false;
    expect(lastText(await graph.invoke(null, thread()))).toBe("answered after 5 turns");
  });

  test("that nothing limits ends nothing: it is reported once", async () => {
    const { graph, warnings } = setUp({
      perExecution: { tokens: 1e6 },
      price: () => Number.NaN,
    });
    expect(lastText(await graph.invoke(ask(), thread()))).toBe("answered after 5 turns");
    expect(warnings()).toEqual(["price-invalid"]);
  });
});

describe("tokens that a provider does not tell", () => {
  const silent = (): object =>
    fakeModel()
      .respondWithTools([{ name: "look_up", args: { item: "a" }, id: "call-1" }])
      .respondWithTools([{ name: "look_up", args: { item: "b" }, id: "call-2" }])
      .respond(new AIMessage("done"));

  test("are reported where they are limited, once", async () => {
    const { graph, warnings } = setUp({ perExecution: { tokens: 100 } }, silent());
    expect(lastText(await graph.invoke(ask(), thread()))).toBe("done");
    expect(warnings()).toEqual(["usage-missing"]);
  });

  test("are nobody's business where they are not", async () => {
    const { graph, warnings } = setUp({ perExecution: { modelCalls: 10 } }, silent());
    await graph.invoke(ask(), thread());
    expect(warnings()).toEqual([]);
  });
});

describe("what a budget ends with", () => {
  test("is of the class that says so, whichever way it came", async () => {
    const { graph } = setUp({ perExecution: { modelCalls: 1 }, exitBehavior: "error" });
    const error: unknown = await graph.invoke(ask(), thread()).catch((thrown: unknown) => thrown);
    expect(classifyFailure(error)).toMatchObject({
      failureClass: "retry-budget-overflow",
      recoverable: false,
    });
  });

  test("ends a loop that goes on asking after the end", async () => {
    const model = scriptedModel(() => ({
      toolCalls: [{ name: "look_up", args: { item: "a" } }],
      usage: { promptTokens: 60, completionTokens: 40 },
    }));
    const { graph } = setUp({ perExecution: { tokens: 100 } }, model);
    const result = await graph.invoke(ask(), thread());
    // It asked for tools it no longer had: nobody would answer those calls.
    expect(lastText(result)).toContain("tokens: 100 of 100");
    expect(dangling(result)).toEqual([]);
    expect(model.calls).toHaveLength(2);
  });
});

test("odd thread ids keep their budgets apart", async () => {
  const ids = [" ", "toString", "日本語 🚣", "a|b:c", "x".repeat(1_500), "'; --"];
  const saver = new MemorySaver();
  const budget = { perThread: { modelCalls: 3 }, exitBehavior: "end" } as const;
  const made = await Promise.all(
    ids.map(async (id) => {
      const model = seeker();
      const graph = agentOf({
        model,
        tools: [lookUp().tool],
        checkpointer: saver,
        middleware: [budgetMiddleware(budget)],
      });
      await graph.invoke(ask(), thread(id));
      return model.calls.length;
    }),
  );
  expect(made).toEqual(ids.map(() => 3));
});
