import type { StreamOptions } from "../graph/compiled-graph.ts";
import type { StackEntry } from "../graph/stack.ts";
import type { RunScope } from "./scope.ts";

/** The config LangGraph runs with: it names the execution, and is as durable as the stack needs. */
export function runConfig(
  stack: readonly StackEntry[],
  options: StreamOptions,
  run: RunScope,
): StreamOptions {
  const { id, attempt } = run.execution;
  const needsSync = stack.some(({ definition }) => definition?.needs?.durability === "sync");
  const chosen = options.durability !== undefined || options.checkpointDuring !== undefined;
  return {
    ...options,
    metadata: { ...options.metadata, evenkeel_execution_id: id, execution_attempt: attempt },
    ...(needsSync && !chosen ? { durability: "sync" } : {}),
  };
}

/** What was bound with `withConfig` and says how a run goes: `wrapRun` sees it all in one config. */
export function withBound(bound: StreamOptions = {}, options: StreamOptions): StreamOptions {
  const recursionLimit = options.recursionLimit ?? bound.recursionLimit;
  const context = options["context"] ?? bound["context"];
  // A thread bound to the graph is no thread of the caller's: LangGraph tells the two apart.
  const { thread_id: _thread, ...configurable } = bound.configurable ?? {};
  return {
    ...options,
    ...(recursionLimit === undefined ? {} : { recursionLimit }),
    ...(context === undefined ? {} : { context }),
    ...(bound.configurable === undefined
      ? {}
      : { configurable: { ...configurable, ...options.configurable } }),
  };
}
