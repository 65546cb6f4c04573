import { createDeepAgent } from "deepagents";
import {
  contextEditingMiddleware,
  createAgent,
  modelCallLimitMiddleware,
  summarizationMiddleware,
  toolCallLimitMiddleware,
  toolRetryMiddleware,
} from "langchain";

import { baseClock } from "./base-clock.ts";
import { BenchModel } from "./bench-model.ts";
import { type BenchSubject, type SubjectOptions, agentParts } from "./graphs.ts";

type AgentMiddleware = NonNullable<Parameters<typeof createAgent>[0]["middleware"]>;

/** LangChain's agent with five of its own middleware, none of which has anything to do. */
export function agentWithBuiltIns({ toolCalls, checkpointer }: SubjectOptions): BenchSubject {
  const clock = baseClock();
  const idleModel = new BenchModel({ toolCalls: 0, clock });
  const middleware: unknown[] = [
    toolCallLimitMiddleware({ runLimit: toolCalls + 1 }),
    modelCallLimitMiddleware({ runLimit: toolCalls + 2 }),
    toolRetryMiddleware(),
    contextEditingMiddleware(),
    summarizationMiddleware({ model: idleModel, trigger: { messages: 10_000 } }),
  ];
  const source = createAgent({
    ...agentParts(toolCalls, clock),
    // LangChain's own middleware does not fit its own type under exactOptionalPropertyTypes.
    middleware: middleware as unknown as AgentMiddleware,
    checkpointer,
  });
  return { source, clock };
}

/** A deep agent with the middleware it brings along. */
export function deepAgent({ toolCalls, checkpointer }: SubjectOptions): BenchSubject {
  const clock = baseClock();
  const source = createDeepAgent({ ...agentParts(toolCalls, clock), checkpointer });
  return { source, clock };
}
