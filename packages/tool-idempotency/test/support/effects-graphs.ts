import { wrapModel } from "@evenkeel/core";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { ToolNode, createReactAgent, toolsCondition } from "@langchain/langgraph/prebuilt";
import type { ChatOpenAI } from "@langchain/openai";
import { createAgent } from "langchain";

import type { Kind } from "./effects-job.ts";

interface Parts {
  readonly model: ChatOpenAI;
  readonly tools: StructuredToolInterface[];
  readonly checkpointer: BaseCheckpointSaver;
}

/** Builds an agent as its user would have, at the top or as a node of another graph. */
export function buildGraph(kind: Kind, nested: boolean, parts: Parts): object {
  if (!nested) return agentOf(kind, parts, parts.checkpointer);
  const agent = agentOf(kind, parts, undefined);
  const inner = "graph" in agent ? agent.graph : agent;
  return new StateGraph(MessagesAnnotation)
    .addNode("team", inner as never)
    .addEdge(START, "team")
    .compile({ checkpointer: parts.checkpointer });
}

function agentOf(
  kind: Kind,
  { model, tools }: Parts,
  checkpointer: BaseCheckpointSaver | undefined,
): object {
  const kept = checkpointer === undefined ? {} : { checkpointer };
  if (kind === "createAgent") return createAgent({ model, tools, ...kept });
  const llm = wrapModel(model);
  if (kind !== "StateGraph") {
    const version = kind === "createReactAgent v1" ? "v1" : "v2";
    return createReactAgent({ llm, tools, version, ...kept });
  }
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({
      messages: [await llm.bindTools(tools).invoke(messages)],
    }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile(kept);
}
