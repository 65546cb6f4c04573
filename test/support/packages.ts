import { configFreezeMiddleware } from "@evenkeel/config-freeze";
import type { EvenkeelStore, Middleware } from "@evenkeel/core";
import { failureRetryMiddleware } from "@evenkeel/failure-retry";
import { budgetMiddleware, circuitBreakerMiddleware } from "@evenkeel/limits";
import { loopDetectionMiddleware } from "@evenkeel/loop-detection";
import { runFlagsMiddleware } from "@evenkeel/run-flags";
import { toolIdempotencyMiddleware } from "@evenkeel/tool-idempotency";
import { toolResultOffloadMiddleware } from "@evenkeel/tool-result-offload";

/** One middleware of a concern package, at work in every run of the tests that span packages. */
export interface Concern {
  /** The factory's name. */
  readonly name: string;
  /** The package's folder. */
  readonly folder: string;
  readonly create: (store: EvenkeelStore) => Middleware;
}

const of = (folder: string, name: string, create: Concern["create"]): Concern => ({
  folder,
  name,
  create,
});

/** Every concern: a new package is one line here. */
export const CONCERNS: readonly Concern[] = [
  of("config-freeze", "configFreezeMiddleware", (store) => configFreezeMiddleware({ store })),
  of("run-flags", "runFlagsMiddleware", (store) => runFlagsMiddleware({ store })),
  of("loop-detection", "loopDetectionMiddleware", () => loopDetectionMiddleware()),
  of("tool-result-offload", "toolResultOffloadMiddleware", (store) =>
    toolResultOffloadMiddleware({ store, maxTokens: 500 }),
  ),
  of("failure-retry", "failureRetryMiddleware", () => failureRetryMiddleware()),
  of("limits", "budgetMiddleware", () => budgetMiddleware({ perExecution: { toolCalls: 100 } })),
  of("limits", "circuitBreakerMiddleware", (store) => circuitBreakerMiddleware({ store })),
  of("tool-idempotency", "toolIdempotencyMiddleware", (store) =>
    toolIdempotencyMiddleware({ store, tools: { look_up: "pure", pay: "once" } }),
  ),
];

/** Packages that are no concern: what concerns are built on, and what they are put together in. */
export const OTHERS: readonly string[] = ["core", "evenkeel", "postgres", "testing"];
