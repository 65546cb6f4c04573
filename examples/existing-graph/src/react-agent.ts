import { configFreezeMiddleware } from "@evenkeel/config-freeze";
import { withMiddleware, wrapModel } from "@evenkeel/core";
import { createReactAgent } from "@langchain/langgraph/prebuilt";

import type { Release } from "./release.ts";
import { refund } from "./tools.ts";

/** LangGraph's prebuilt agent. */
export function reactAgent(release: Release) {
  const graph = createReactAgent({
    llm: wrapModel(release.model),
    tools: [refund],
    prompt: release.prompt,
    checkpointer: release.checkpointer,
  });
  const agent = withMiddleware(graph, [configFreezeMiddleware()]);
  return { graph, agent };
}
