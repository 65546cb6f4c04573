import { SystemMessage } from "@langchain/core/messages";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";

import type { Release } from "./releases.ts";
import { toolsOf } from "./tools.ts";

/** Where the model is reached, and who sees its requests. */
export interface ModelAccess {
  readonly baseURL: string | undefined;
  readonly apiKey: string;
  readonly fetch: typeof globalThis.fetch;
}

/** The model of a release, as any application makes it. */
export function modelOf(release: Release, { baseURL, apiKey, fetch }: ModelAccess): ChatOpenAI {
  return new ChatOpenAI({
    model: release.model,
    temperature: release.temperature,
    apiKey,
    configuration: { ...(baseURL === undefined ? {} : { baseURL }), fetch },
  });
}

/** The agent: an ordinary hand-written StateGraph that knows nothing of Evenkeel. */
export function refundAgent(
  release: Release,
  model: ChatOpenAI,
  checkpointer: BaseCheckpointSaver,
) {
  const tools = toolsOf(release);
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => {
      const bound = model.bindTools(tools);
      return { messages: [await bound.invoke([new SystemMessage(release.prompt), ...messages])] };
    })
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer, name: "refund-agent" });
}
