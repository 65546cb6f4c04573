import { configFreezeMiddleware } from "@evenkeel/config-freeze";
import { withMiddleware, wrapModel } from "@evenkeel/core";
import { SystemMessage } from "@langchain/core/messages";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";

import type { Release } from "./release.ts";
import { refund } from "./tools.ts";

/** A hand-written StateGraph. */
export function stateGraph(release: Release) {
  const model = wrapModel(release.model).bindTools([refund]);
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({
      messages: [await model.invoke([new SystemMessage(release.prompt), ...messages])],
    }))
    .addNode("tools", new ToolNode([refund]))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer: release.checkpointer });
  const agent = withMiddleware(graph, [configFreezeMiddleware()]);
  return { graph, agent };
}
