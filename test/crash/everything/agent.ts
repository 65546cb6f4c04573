import { wrapModel } from "@evenkeel/core";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { ToolNode, createReactAgent, toolsCondition } from "@langchain/langgraph/prebuilt";
import type { ChatOpenAI } from "@langchain/openai";
import { createAgent } from "langchain";

import type { Kind } from "./job.ts";

/** What an agent is made of. */
export interface AgentParts {
  readonly model: ChatOpenAI;
  readonly prompt: string;
  readonly tools: StructuredToolInterface[];
  readonly checkpointer: BaseCheckpointSaver;
}

/** Builds an agent as its user would have, at the top or as a node of another graph. */
export function buildAgent(kind: Kind, nested: boolean, parts: AgentParts): object {
  const { checkpointer } = parts;
  if (!nested) return agentOf(kind, parts, { checkpointer });
  const agent = agentOf(kind, parts, {});
  const inner = "graph" in agent ? agent.graph : agent;
  return new StateGraph(MessagesAnnotation)
    .addNode("team", inner as never)
    .addEdge(START, "team")
    .compile({ checkpointer });
}

function agentOf(
  kind: Kind,
  { model, prompt, tools }: AgentParts,
  kept: { checkpointer?: BaseCheckpointSaver },
): object {
  const llm = wrapModel(model);
  if (kind === "createAgent") {
    return createAgent({ model: llm, tools, systemPrompt: prompt, ...kept });
  }
  if (kind !== "StateGraph") {
    const version = kind === "createReactAgent v1" ? "v1" : "v2";
    return createReactAgent({ llm, tools, prompt, version, ...kept });
  }
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({
      messages: [await llm.bindTools(tools).invoke([["system", prompt], ...messages])],
    }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile(kept);
}
