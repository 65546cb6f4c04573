import { withMiddleware, wrapModel } from "@evenkeel/core";
import type { AnyMiddleware, WithMiddlewareOptions } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import {
  END,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
  interrupt,
} from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { z } from "zod";

/** What the model of the refund agent answers, turn by turn. */
export type Script = Parameters<typeof scriptedModel>[0];

const usage = { promptTokens: 100, completionTokens: 10 };

/** Looks the order up, refunds it, says so. */
export const GOOD: Script = [
  { toolCalls: [{ id: "c1", name: "get_order", args: { id: "A-1001" } }], usage },
  { toolCalls: [{ id: "c2", name: "refund", args: { id: "A-1001", amount: 40 } }], usage },
  { content: "Order A-1001 was refunded: 40 EUR go back to anna@example.com.", usage },
];

/** Ends with a call that failed and an answer that passes over it. */
export const BAD: Script = [
  { toolCalls: [{ id: "c1", name: "get_order", args: { id: "A-1001" } }], usage },
  { toolCalls: [{ id: "c2", name: "broken", args: {} }], usage },
  { content: "I'm sorry, I could not refund the order.", usage },
];

/** Asks a person before it refunds. */
export const ASKING: Script = [
  { toolCalls: [{ id: "c1", name: "get_order", args: { id: "A-1001" } }], usage },
  { toolCalls: [{ id: "c2", name: "approve", args: {} }], usage },
  { content: "Order A-1001 was refunded: 40 EUR go back to anna@example.com.", usage },
];

const getOrder = tool(({ id }) => JSON.stringify({ id, total: 40 }), {
  name: "get_order",
  description: "Reads an order.",
  schema: z.object({ id: z.string() }),
});
const refund = tool(() => '{"status": "refunded"}', {
  name: "refund",
  description: "Refunds an order.",
  schema: z.object({ id: z.string(), amount: z.number() }),
});
const broken = tool(
  () => {
    throw new Error("The payment gateway answered 503.");
  },
  { name: "broken", description: "Fails.", schema: z.object({}) },
);
const approve = tool(() => String(interrupt("Refund 40 EUR?")), {
  name: "approve",
  description: "Asks a person.",
  schema: z.object({}),
});

/** What a refund agent is made of. */
export interface RefundAgentOptions extends WithMiddlewareOptions {
  checkpointer?: BaseCheckpointSaver;
  /** Called in the node before the model is. */
  beforeModel?: (turn: number) => void | Promise<void>;
}

/** A support agent as an ordinary hand-written StateGraph, with middleware around it. */
export function refundAgent(
  script: Script,
  middleware: readonly AnyMiddleware[],
  { checkpointer = new MemorySaver(), beforeModel, ...options }: RefundAgentOptions = {},
) {
  const tools = [getOrder, refund, broken, approve];
  const model = wrapModel(scriptedModel(script)).bindTools(tools);
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => {
      await beforeModel?.(messages.filter(({ type }) => type === "ai").length);
      return { messages: [await model.invoke(messages)] };
    })
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition, ["tools", END])
    .addEdge("tools", "agent")
    .compile({ checkpointer });
  return withMiddleware(graph, [...middleware], options);
}

/** A customer's request. */
export function request(): { messages: HumanMessage[] } {
  return {
    messages: [new HumanMessage("Please refund order A-1001 for anna@example.com.")],
  };
}

/** The config of a thread. */
export function onThread(thread: string): { configurable: { thread_id: string } } {
  return { configurable: { thread_id: thread } };
}
