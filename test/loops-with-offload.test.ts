import { withMiddleware, wrapModel } from "@evenkeel/core";
import { loopDetectionMiddleware } from "@evenkeel/loop-detection";
import { scriptedModel } from "@evenkeel/testing";
import { toolResultOffloadMiddleware } from "@evenkeel/tool-result-offload";
import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import {
  InMemoryStore,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { expect, test } from "vitest";

const rows = (first: number): string =>
  Array.from({ length: 2_000 }, (_, row) => `row ${first + row}: nothing to see here`).join("\n");

/** Reads so many large results of which each is the one before, or another, and gives what the model was told. */
async function toldAfter(orders: "loops first" | "offload first", same: boolean) {
  let reads = 0;
  const read = tool(() => rows(same ? 0 : (reads += 1) * 5_000), {
    name: "read_table",
    description: "Reads a table.",
    schema: { type: "object", properties: {} },
  });
  const model = scriptedModel(({ messages }) =>
    messages.filter(({ type }) => type === "ai").length < 6
      ? { toolCalls: [{ name: "read_table", args: {} }] }
      : { content: "done" },
  );
  const bound = wrapModel(model).bindTools([read]);
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await bound.invoke(messages)] }))
    .addNode("tools", new ToolNode([read]))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer: new MemorySaver(), store: new InMemoryStore() });
  const stack = [loopDetectionMiddleware(), toolResultOffloadMiddleware()];
  const agent = withMiddleware(graph, orders === "loops first" ? stack : stack.toReversed());
  const input = { messages: [new HumanMessage({ id: "human", content: "Read the table." })] };
  const { messages } = await agent.invoke(input, { configurable: { thread_id: "t" } });
  const told = model.calls.map(({ messages: asked }) => {
    const last = asked.at(-1);
    return last?.type === "human" ? /(\d) times/.exec(last.text)?.[1] : undefined;
  });
  return {
    told: told.filter((count) => count !== undefined),
    texts: messages.map(({ text }) => text),
  };
}

test.each(["loops first", "offload first"] as const)(
  "a loop over results that are kept elsewhere is one all the same, %s",
  async (order) => {
    const { told, texts } = await toldAfter(order, true);
    expect(told).toEqual(["3", "4", "5", "6"]);
    // The blocked call shows the preview and handle it had before, not the result they stand for.
    const [blocked] = texts.filter((text) => text.startsWith("Not executed"));
    expect(blocked).toMatch(/kept outside this conversation as res_/);
    expect(blocked?.length).toBeLessThan(10_000);
  },
);

test.each(["loops first", "offload first"] as const)(
  "results that differ are progress, %s",
  async (order) => {
    expect((await toldAfter(order, false)).told).toEqual([]);
  },
);
