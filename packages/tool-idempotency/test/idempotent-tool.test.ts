import { memoryStore } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, createReactAgent, toolsCondition } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";
import { describe, expect, it } from "vitest";

import { idempotencyKey, idempotentTool } from "../src/index.ts";
import type { IdempotentToolOptions } from "../src/index.ts";
import { calls, doing, dying, leaseOver } from "./support/bank.ts";

interface Agent {
  invoke(input: unknown, config: object): Promise<{ messages: BaseMessage[] }>;
  getStateHistory(
    config: object,
  ): AsyncIterable<{ config: RunnableConfig; values: { messages?: BaseMessage[] } }>;
}

type Tool = ReturnType<typeof doing>;

const KINDS: Readonly<Record<string, (tool: Tool) => Agent>> = {
  StateGraph: (tool) => {
    const model = scriptedModel(turns());
    return new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({
        messages: [await model.bindTools([tool]).invoke(messages)],
      }))
      .addNode("tools", new ToolNode([tool]))
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "agent")
      .compile({ checkpointer: new MemorySaver() });
  },
  "createReactAgent v1": (tool) => prebuilt(tool, "v1"),
  "createReactAgent v2": (tool) => prebuilt(tool, "v2"),
  createAgent: (tool) =>
    createAgent({
      model: scriptedModel(turns()),
      tools: [tool],
      checkpointer: new MemorySaver(),
    }),
};

function prebuilt(tool: Tool, version: "v1" | "v2"): Agent {
  const checkpointSaver = new MemorySaver();
  const llm = scriptedModel(turns());
  return createReactAgent({
    llm,
    tools: [tool],
    version,
    checkpointSaver,
  });
}

function turns(): Parameters<typeof scriptedModel>[0] {
  return [calls(["refund", { order: "A1" }, "call-1"]), { content: "Done." }];
}

const config = { configurable: { thread_id: "thread" } };
const input = { messages: [new HumanMessage("Please.")] };

function answersIn({ messages }: { messages: BaseMessage[] }): string[] {
  return messages.filter((message) => ToolMessage.isInstance(message)).map(({ text }) => text);
}

function refunds(options: Partial<IdempotentToolOptions> = {}): { tool: Tool; keys: string[] } {
  const keys: string[] = [];
  const refund = doing("refund", ({ order }: { order: string }) => {
    keys.push(idempotencyKey());
    return `refunded ${order}, ${keys.length}`;
  });
  const tool = idempotentTool(refund, {
    store: memoryStore(),
    effect: "once",
    leaseMs: 100,
    ...options,
  });
  return { tool, keys };
}

describe.each(Object.entries(KINDS))("a tool on its own in %s", (_, build) => {
  it("answers a call that is made again from its record", async () => {
    const { tool, keys } = refunds();
    const agent = build(tool);
    expect(answersIn(await agent.invoke(input, config))).toEqual(["refunded A1, 1"]);
    const again = await agent.invoke(null, await whereCalled(agent));
    expect(answersIn(again)).toEqual(["refunded A1, 1"]);
    expect(keys).toHaveLength(1);
  });

  it("is not run again where nobody can tell what became of it", async () => {
    const store = dying(memoryStore(), 1);
    const { tool, keys } = refunds({ store, onUnknown: "message" });
    const agent = build(tool);
    await agent.invoke(input, config).catch(() => undefined);
    await leaseOver();
    const again = await agent.invoke(null, await whereCalled(agent));
    expect(answersIn(again)[0]).toContain("not known whether");
    expect(keys).toHaveLength(1);
  });
});

/** The checkpoint that holds the call, and no answer to it. */
async function whereCalled(agent: Agent): Promise<RunnableConfig> {
  for await (const { config: at, values } of agent.getStateHistory(config)) {
    const last = values.messages?.at(-1);
    if (last?.getType() === "ai" && last.text === "") return at;
  }
  throw new Error("no checkpoint holds the call");
}

describe("a tool that is called by hand", () => {
  it("is found again by its key, and answers with its bare output", async () => {
    const { tool, keys } = refunds({
      effect: "keyed",
      key: ({ order }) => `refund:${String(order)}`,
    });
    expect(await tool.invoke({ order: "A1" })).toBe("refunded A1, 1");
    expect(await tool.invoke({ order: "A1" })).toBe("refunded A1, 1");
    expect(await tool.invoke({ order: "A2" })).toBe("refunded A2, 2");
    expect(new Set(keys).size).toBe(2);
  });

  it("is as safe under LangChain's older name for it", async () => {
    const { tool, keys } = refunds({ key: ({ order }) => `refund:${String(order)}` });
    const { call } = tool as unknown as { call: (input: object) => Promise<unknown> };
    expect(await call({ order: "A1" })).toBe("refunded A1, 1");
    expect(await tool.invoke({ order: "A1" })).toBe("refunded A1, 1");
    expect(keys).toHaveLength(1);
  });

  it("keeps what makes it a tool", () => {
    const { tool } = refunds();
    expect(tool.name).toBe("refund");
    expect(tool.description).toBe("the tool refund");
    expect(tool.schema).toBeDefined();
  });

  it("refuses what is no tool", () => {
    expect(() => idempotentTool({}, { store: memoryStore(), effect: "once" })).toThrow(
      expect.objectContaining({ code: "invalid-options" }),
    );
  });
});
