import { configFreezeMiddleware } from "@evenkeel/config-freeze";
import { withMiddleware, wrapModel } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import type { ScriptedTurn } from "@evenkeel/testing";
import { toolResultOffloadMiddleware } from "@evenkeel/tool-result-offload";
import { SystemMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph, interrupt } from "@langchain/langgraph";
import type { BaseCheckpointSaver, BaseStore } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { z } from "zod";

/** What a process of the shop is built of; a deploy changes the prompt. */
export interface Deployed {
  readonly prompt: string;
  readonly checkpointer: BaseCheckpointSaver;
  readonly store: BaseStore;
}

const TURNS: ScriptedTurn[] = [
  { toolCalls: [{ id: "1", name: "read_log", args: {} }] },
  { toolCalls: [{ id: "2", name: "refund", args: { order: "A1" } }] },
  ({ messages }) => {
    const [handle = ""] = /res_\w+/.exec(messages.map(({ text }) => text).join("\n")) ?? [];
    const args = { handle, pattern: "line 1999" };
    return { toolCalls: [{ id: "3", name: "search_tool_result", args }] };
  },
  { content: "Refunded." },
];

const readLog = tool(
  () => Array.from({ length: 2_000 }, (_, line) => `line ${line}: nothing happened`).join("\n"),
  { name: "read_log", description: "The log.", schema: z.object({}) },
);
const refund = tool(({ order }) => `${String(interrupt("refund?"))}: refunded ${order}`, {
  name: "refund",
  description: "Pays back.",
  schema: z.object({ order: z.string() }),
});

/** The shop's agent, as a process that starts would build it, and what its model is asked. */
export function deployedShop({ prompt, checkpointer, store }: Deployed) {
  const model = scriptedModel(TURNS);
  const tools = [readLog, refund];
  const bound = wrapModel(model).bindTools(tools);
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({
      messages: [await bound.invoke([new SystemMessage(prompt), ...messages])],
    }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer, store });
  const agent = withMiddleware(graph, [
    configFreezeMiddleware(),
    toolResultOffloadMiddleware({ maxTokens: 500 }),
  ]);
  return { agent, prompts: () => model.calls.map(({ messages }) => messages[0]?.text) };
}
