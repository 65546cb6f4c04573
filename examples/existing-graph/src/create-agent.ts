import { configFreezeMiddleware } from "@evenkeel/config-freeze";
import { withMiddleware } from "@evenkeel/core";
import { createAgent } from "langchain";

import type { Release } from "./release.ts";
import { refund } from "./tools.ts";

/** LangChain's agent: it wraps its own model. */
export function langchainAgent(release: Release) {
  const graph = createAgent({
    model: release.model,
    tools: [refund],
    systemPrompt: release.prompt,
    checkpointer: release.checkpointer,
  });
  const agent = withMiddleware(graph, [configFreezeMiddleware()]);
  return { graph, agent };
}
