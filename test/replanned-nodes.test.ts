import { memoryStore, withMiddleware, wrapTools } from "@evenkeel/core";
import { failureRetryMiddleware } from "@evenkeel/failure-retry";
import { toolIdempotencyMiddleware } from "@evenkeel/tool-idempotency";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import {
  INTERRUPT,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { describe, expect, it } from "vitest";
import { z } from "zod";

/** Two nodes that pay by themselves, one after the other; the answer of the first attempt is rejected. */
function rejectedOnce(first: readonly [string, string], second: readonly [string, string]) {
  const paid: string[] = [];
  let attempt = 1;
  const [pay] = wrapTools([
    tool(
      ({ amount }: { amount: string }) => {
        paid.push(amount);
        return `paid ${amount}`;
      },
      { name: "pay", description: "Pays.", schema: z.object({ amount: z.string() }) },
    ),
  ]);
  const amount = (at: 0 | 1) => ({ amount: (attempt === 1 ? first : second)[at] });
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("a", async () => {
      await pay.invoke(amount(0));
      return {};
    })
    .addNode("b", async () => {
      await pay.invoke(amount(1));
      return { messages: [new AIMessage(`answer ${attempt}`)] };
    })
    .addEdge(START, "a")
    .addEdge("a", "b")
    .compile({ checkpointer: new MemorySaver() });
  const agent = withMiddleware(graph, [
    failureRetryMiddleware({
      initialInterval: 0,
      jitter: false,
      restart: "start",
      verify: ({ text }) => {
        if (text !== "answer 1") return true;
        attempt = 2;
        return "will not do";
      },
    }),
    toolIdempotencyMiddleware({ store: memoryStore(), tools: { pay: "keyed" } }),
  ]);
  const run = async (): Promise<string> => {
    const input = { messages: [new HumanMessage("Please pay.")] };
    const result = await agent.invoke(input, { configurable: { thread_id: "thread" } });
    return JSON.stringify((result as Record<string, unknown>)[INTERRUPT] ?? null);
  };
  return { run, paid };
}

describe("the second attempt of nodes that call tools themselves", () => {
  it.each([
    ["20", "30"],
    ["20", "20"],
  ] as const)("meets the effects of the first: %s and %s", async (...amounts) => {
    const { run, paid } = rejectedOnce(amounts, amounts);
    expect(await run()).toBe("null");
    expect(paid).toEqual(amounts);
  });

  it("asks about a changed call, with what nothing has met yet", async () => {
    const { run, paid } = rejectedOnce(["20", "30"], ["20", "30.00"]);
    const question = await run();
    expect(question).toContain("paid 30");
    expect(question).not.toContain("paid 20");
    expect(paid).toEqual(["20", "30"]);
  });
});

it("a call of the messages and one of a node hold beside one another, in either order", async () => {
  for (const order of [
    ["tools", "own"],
    ["own", "tools"],
  ] as const) {
    for (const amount of ["20", "30"]) {
      const paid: string[] = [];
      const pay = tool(
        (args: { amount: string }) => {
          paid.push(args.amount);
          return `paid ${args.amount}`;
        },
        { name: "pay", description: "Pays.", schema: z.object({ amount: z.string() }) },
      );
      const [wrapped] = wrapTools([pay]);
      const graph = new StateGraph(MessagesAnnotation)
        .addNode("tools", new ToolNode([pay]))
        .addNode("own", async () => {
          await wrapped.invoke({ amount });
          return {};
        })
        .addEdge(START, order[0])
        .addEdge(order[0], order[1])
        .compile({ checkpointer: new MemorySaver() });
      const once = toolIdempotencyMiddleware({ store: memoryStore(), tools: { pay: "keyed" } });
      const asks = new AIMessage({
        content: "",
        tool_calls: [{ id: "call-1", name: "pay", args: { amount: "20" } }],
      });
      const input = { messages: [new HumanMessage("Please pay."), asks] };
      const result = await withMiddleware(graph, [once]).invoke(input, {
        configurable: { thread_id: "thread" },
      });
      expect((result as Record<string, unknown>)[INTERRUPT]).toBeUndefined();
      expect(paid.toSorted()).toEqual(["20", amount]);
    }
  }
});
