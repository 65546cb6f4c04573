import { configFreezeMiddleware } from "@evenkeel/config-freeze";
import { withMiddleware, wrapModel } from "@evenkeel/core";
import { SystemMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph, interrupt } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";

// What a deploy changes.
const { AGENT_PROMPT = "Be kind to customers.", AGENT_TEMPERATURE = "0", MODEL_URL } = process.env;

const refund = tool(
  ({ order }) => (interrupt(`Refund ${order}?`) === "yes" ? `refunded ${order}` : "not refunded"),
  {
    name: "refund",
    description: "Pays an order back.",
    schema: z.object({ order: z.string() }),
  },
);
const model = wrapModel(
  new ChatOpenAI({
    model: "gpt-4.1",
    temperature: Number(AGENT_TEMPERATURE),
    ...(MODEL_URL === undefined
      ? {}
      : { apiKey: "none-needed", configuration: { baseURL: MODEL_URL } }),
  }),
).bindTools([refund]);

const graph = new StateGraph(MessagesAnnotation)
  .addNode("agent", async ({ messages }) => ({
    messages: [await model.invoke([new SystemMessage(AGENT_PROMPT), ...messages])],
  }))
  .addNode("tools", new ToolNode([refund]))
  .addEdge(START, "agent")
  .addConditionalEdges("agent", toolsCondition)
  .addEdge("tools", "agent");

/** For comparison; the server brings checkpointer and store to both. */
export const bare = graph.compile();
export const agent = withMiddleware(graph.compile(), [configFreezeMiddleware()]);
