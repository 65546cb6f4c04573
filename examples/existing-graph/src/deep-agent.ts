import { configFreezeMiddleware } from "@evenkeel/config-freeze";
import { withMiddleware, wrapModel } from "@evenkeel/core";
import { createDeepAgent } from "deepagents";

import type { Release } from "./release.ts";
import { refund } from "./tools.ts";

/** A deep agent: its subagents call the same model, so it is wrapped. */
export function deepAgent(release: Release) {
  const graph = createDeepAgent({
    model: wrapModel(release.model),
    tools: [refund],
    systemPrompt: release.prompt,
    checkpointer: release.checkpointer,
  });
  const agent = withMiddleware(graph, [configFreezeMiddleware()]);
  return { graph, agent };
}
