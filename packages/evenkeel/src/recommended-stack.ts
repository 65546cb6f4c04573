import { configFreezeMiddleware } from "@evenkeel/config-freeze";
import type { ConfigFreezeMiddlewareOptions } from "@evenkeel/config-freeze";
import { CoreError } from "@evenkeel/core";
import type { EvenkeelStore, Middleware, MiddlewareMode } from "@evenkeel/core";
import { failureRetryMiddleware } from "@evenkeel/failure-retry";
import type { FailureRetryMiddlewareOptions } from "@evenkeel/failure-retry";
import { budgetMiddleware, circuitBreakerMiddleware } from "@evenkeel/limits";
import type { BudgetMiddlewareOptions, CircuitBreakerMiddlewareOptions } from "@evenkeel/limits";
import { loopDetectionMiddleware } from "@evenkeel/loop-detection";
import type { LoopDetectionMiddlewareOptions } from "@evenkeel/loop-detection";
import { runFlagsMiddleware } from "@evenkeel/run-flags";
import type { RunFlagsMiddlewareOptions } from "@evenkeel/run-flags";
import { toolIdempotencyMiddleware } from "@evenkeel/tool-idempotency";
import type { ToolIdempotencyOptions } from "@evenkeel/tool-idempotency";
import { toolResultOffloadMiddleware } from "@evenkeel/tool-result-offload";
import type { ToolResultOffloadOptions } from "@evenkeel/tool-result-offload";

/** Options of {@link recommendedStack}: the store all of them share, and each one's own; `false` leaves one out. */
export interface RecommendedStackOptions {
  /** Every durable store in one: `evenkeelPostgres(pool)`, or `memoryStore()` for trying out. */
  store: EvenkeelStore;
  /** The mode of all of them, where their own options name none. @default "enforce" */
  mode?: MiddlewareMode;
  configFreeze?: ConfigFreezeMiddlewareOptions | false;
  runFlags?: RunFlagsMiddlewareOptions | false;
  loopDetection?: LoopDetectionMiddlewareOptions | false;
  toolResultOffload?: ToolResultOffloadOptions | false;
  failureRetry?: FailureRetryMiddlewareOptions | false;
  /** Without limits of its own it holds the one retry budget that all layers share. */
  budget?: BudgetMiddlewareOptions | false;
  circuitBreaker?: CircuitBreakerMiddlewareOptions | false;
  /** `tools` says how each tool behaves when it runs twice; one that is not named is done at most once. */
  toolIdempotency?: Partial<ToolIdempotencyOptions> | false;
}

type Concern = Exclude<keyof RecommendedStackOptions, "store" | "mode">;

// First is outermost. Whoever decides about the whole run stands before whoever changes one call,
// and the ledger of effects stands next to the tool itself.
const STACK: Readonly<Record<Concern, (options: never) => Middleware>> = {
  configFreeze: configFreezeMiddleware,
  runFlags: runFlagsMiddleware,
  loopDetection: loopDetectionMiddleware,
  toolResultOffload: toolResultOffloadMiddleware,
  failureRetry: failureRetryMiddleware,
  budget: budgetMiddleware,
  circuitBreaker: circuitBreakerMiddleware,
  toolIdempotency: toolIdempotencyMiddleware,
};

/** Concerns without a store of their own. */
const STORELESS: ReadonlySet<Concern> = new Set(["loopDetection", "failureRetry", "budget"]);

/**
 * Makes the stack that keeps a run frozen, recorded, out of loops, small, retried, within its limits
 * and free of double effects, in the one order in which all of them hold.
 *
 * Error behavior: an unknown option, or one that its middleware refuses, throws here.
 * Output: the list `withMiddleware` takes.
 * State: that of its middleware.
 * When it fires: nothing runs here; each middleware fires as its own package says.
 *
 * @example
 * ```ts
 * const store = evenkeelPostgres(pool);
 * const agent = withMiddleware(graph, recommendedStack({ store, toolIdempotency: { tools: { refund: "keyed" } } }));
 * ```
 */
export function recommendedStack(options: RecommendedStackOptions): Middleware[] {
  assertKnown(options);
  const { store, mode, ...own } = options;
  const shared = mode === undefined ? {} : { mode };
  return (Object.keys(STACK) as Concern[]).flatMap((concern) => {
    const given = own[concern];
    if (given === false) return [];
    const kept = STORELESS.has(concern) ? {} : { store };
    const known = concern === "toolIdempotency" ? { tools: effectsOf(own) } : {};
    return [STACK[concern]({ ...shared, ...kept, ...given, ...known } as never)];
  });
}

/**
 * The effects that are declared, and those of the tools offloading offers: they read only, and not
 * declared they would be parked where a process died while the model read.
 */
function effectsOf({
  toolResultOffload = {},
  toolIdempotency,
}: Omit<RecommendedStackOptions, "store">): object {
  const declared = toolIdempotency === false ? {} : toolIdempotency?.tools;
  if (toolResultOffload === false || toolResultOffload.tools === false) return { ...declared };
  const {
    read = "read_tool_result",
    search = "search_tool_result",
    query = "query_tool_result",
  } = toolResultOffload.tools ?? {};
  return { [read]: "pure", [search]: "pure", [query]: "pure", ...declared };
}

function assertKnown(options: RecommendedStackOptions): void {
  const allowed = ["store", "mode", ...Object.keys(STACK)];
  const refuse = (message: string): never => {
    throw new CoreError({ code: "invalid-options", message: `recommendedStack: ${message}` });
  };
  if (typeof options !== "object" || options === null) {
    refuse(`options must be an object with a \`store\`; ${String(options)} came.`);
  }
  const unknown = Object.keys(options).find((key) => !allowed.includes(key));
  if (unknown !== undefined) {
    refuse(`unknown option "${unknown}"; allowed are ${allowed.join(", ")}.`);
  }
  if (typeof options.store !== "object" || options.store === null) {
    refuse("`store` must hold every store, as evenkeelPostgres(pool) does, or memoryStore().");
  }
}
