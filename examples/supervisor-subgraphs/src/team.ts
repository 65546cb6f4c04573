import { SystemMessage } from "@langchain/core/messages";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { Command, END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import type { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";

import { lookUpOrders, refund } from "./tools.ts";

/** What each of the three is told; a deploy changes it. */
export interface Prompts {
  readonly supervisor: string;
  readonly orders: string;
  readonly refunds: string;
}

/** One who works with tools: a graph of its own, and a node of the team's. */
function specialist(model: ChatOpenAI, prompt: string, tools: StructuredToolInterface[]) {
  const bound = model.bindTools(tools);
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({
      messages: [await bound.invoke([new SystemMessage(prompt), ...messages])],
    }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile();
}

/** A supervisor that hands a customer's case to whoever can work on it. */
export function supportTeam(model: ChatOpenAI, prompts: Prompts) {
  const decision = z.object({ next: z.enum(["orders", "refunds", "done"]) });
  const router = model.withStructuredOutput(decision, { name: "decision" });
  return new StateGraph(MessagesAnnotation)
    .addNode(
      "supervisor",
      async ({ messages }) => {
        const { next } = await router.invoke([new SystemMessage(prompts.supervisor), ...messages]);
        return new Command({ goto: next === "done" ? END : next });
      },
      { ends: ["orders", "refunds", END] },
    )
    .addNode("orders", specialist(model, prompts.orders, [lookUpOrders]))
    .addNode("refunds", specialist(model, prompts.refunds, [refund]))
    .addEdge(START, "supervisor")
    .addEdge("orders", "supervisor")
    .addEdge("refunds", "supervisor");
}
