import { setTimeout } from "node:timers/promises";

import { withMiddleware, wrapModel } from "@evenkeel/core";
import type { AnyMiddleware } from "@evenkeel/core";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";

import { NORA } from "./customers.ts";

const schema = z.object({ order: z.string() });

const findOrder = tool(
  async ({ order }: { order: string }) => {
    // The archive is slow today: long enough for a process to be killed in the meantime.
    if (order === NORA.order) await setTimeout(60_000);
    return JSON.stringify({ order, total: "49.90 EUR", status: "delivered" });
  },
  { name: "find_order", description: "Finds an order of the shop.", schema },
);

const refund = tool(
  ({ order }: { order: string }) => {
    if (order === "A-6") throw new Error("The payment gateway answered 503.");
    return `Refunded 49.90 EUR for order ${order}.`;
  },
  { name: "refund", description: "Pays an order back.", schema },
);

/** The support agent of a small shop, with middleware around it: an ordinary StateGraph. */
export function supportAgent(
  baseURL: string | undefined,
  checkpointer: BaseCheckpointSaver,
  stack: AnyMiddleware[],
) {
  const model = wrapModel(
    new ChatOpenAI({
      model: "gpt-5.2",
      apiKey: process.env["OPENAI_API_KEY"] ?? "none-needed-locally",
      ...(baseURL === undefined ? {} : { configuration: { baseURL } }),
    }),
  ).bindTools([findOrder, refund]);
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addNode("tools", new ToolNode([findOrder, refund]))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer, name: "support-agent" });
  return withMiddleware(graph, stack);
}
