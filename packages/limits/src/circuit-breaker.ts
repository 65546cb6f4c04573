import { defineMiddleware } from "@evenkeel/core";
import type { ExecutionInfo, FailureClass, Middleware } from "@evenkeel/core";

import { breakModelCall, breakToolCall } from "./breaker/breaker-calls.ts";
import { assertBreakerOptions } from "./breaker/options.ts";
import type {
  BreakerLive,
  BreakerOptions,
  CircuitBreakerMiddlewareOptions,
} from "./breaker/options.ts";

const COUNTED: readonly FailureClass[] = ["infrastructure", "environment-drift", "unknown"];

/**
 * Leaves a tool or a model alone that keeps failing: its calls are answered at once, the model no
 * longer sees the tool, and after a pause one call finds out whether it works again.
 *
 * Error behavior: bad options throw `invalid-options` here; a call of a model whose breaker is open
 * throws `breaker-open`; a store that is down or slow is reported and never fails a call. Output:
 * an answer to each call of a tool whose breaker is open. State: none in the graph; breakers live in
 * the process and, with `store`, beyond it. When it fires: around each model and tool call.
 *
 * @example
 * ```ts
 * const breaker = circuitBreakerMiddleware({ store: evenkeelPostgres(pool) });
 * const agent = withMiddleware(graph, [breaker]);
 * ```
 */
export function circuitBreakerMiddleware(
  options: CircuitBreakerMiddlewareOptions = {},
): Middleware {
  assertBreakerOptions(options);
  const { name = "circuitBreakerMiddleware", mode, store } = options;
  const { tools = null, models = true, window = 10, threshold = 0.5 } = options;
  const { minimumCalls = Math.min(5, window), failureClasses = COUNTED } = options;
  const { halfOpenAfterMs = 30_000 } = options;
  const { maxHalfOpenAfterMs = Math.max(300_000, halfOpenAfterMs) } = options;
  const { refreshMs = 5_000, storeTimeoutMs = 500 } = options;
  const { scope = ({ scope: own }: ExecutionInfo) => own } = options;
  return defineMiddleware<BreakerOptions, BreakerLive>({
    name,
    mode,
    outsideOf: { toolIdempotencyMiddleware: "a call it refuses is no effect" },
    options: {
      tools,
      models,
      window,
      minimumCalls,
      threshold,
      halfOpenAfterMs,
      maxHalfOpenAfterMs,
      failureClasses,
      refreshMs,
      storeTimeoutMs,
    },
    live: { name, store, scope },
    wrapModelCall: breakModelCall,
    wrapToolCall: breakToolCall,
  });
}
