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
import { benchModel } from "./bench-model.ts";
import { type BenchSubject, type SubjectOptions, agentParts } from "./graphs.ts";

type AgentMiddleware = NonNullable<Parameters<typeof createAgent>[0]["middleware"]>;

/** LangChain's agent with five of its own middleware, none of which has anything to do. */
export function agentWithBuiltIns({ checkpointer, ...task }: SubjectOptions): BenchSubject {
  const clock = baseClock();
  const { toolCalls } = task;
  const idleModel = benchModel({ ...task, clock });
  // LangChain's own types do not hold under exactOptionalPropertyTypes: the options of its middleware
  // come out as never, and the middleware does not fit what its createAgent takes.
  const middleware: unknown[] = [
    toolCallLimitMiddleware({ runLimit: toolCalls + 1 } as never),
    modelCallLimitMiddleware({ runLimit: toolCalls + 2 } as never),
    toolRetryMiddleware(),
    contextEditingMiddleware(),
    summarizationMiddleware({ model: idleModel, trigger: { messages: 10_000 } } as never),
  ];
  const source = createAgent({
    ...agentParts(task, clock),
    middleware: middleware as unknown as AgentMiddleware,
    checkpointer,
  });
  return { source, clock };
}

/** A deep agent with the middleware it brings along. */
export function deepAgent({ checkpointer, ...task }: SubjectOptions): BenchSubject {
  const clock = baseClock();
  const source = createDeepAgent({ ...agentParts(task, clock), checkpointer });
  return { source, clock };
}
