import { eventEmitter } from "../event/emit.ts";
import type { EventEmitter } from "../event/emit.ts";
import type { AnyDefinition } from "./context-source.ts";
import { derivedExecutionId } from "./execution.ts";
import type { ExecutionInfo } from "./execution.ts";
import type { RetryBudgetHolder } from "./retry-budget.ts";

/**
 * A run of native `createAgent`, which no run seam sees: its identity is derived, and what is
 * remembered of it lives as long as its execution is among the most recent ones.
 */
export interface NativeRun extends RetryBudgetHolder {
  execution: ExecutionInfo;
  emitter: EventEmitter;
  /** By definition, not by name: code that was replaced while the process ran remembers nothing. */
  memory: Map<AnyDefinition, Map<string, unknown>>;
}
const NATIVE_RUNS_KEPT = 1_000;
const nativeRuns = new Map<string, NativeRun>();

/** The run a hook of native `createAgent` stands in, by what identifies it. */
export function nativeRun(threadId: string | null, scope: string, messages: unknown): NativeRun {
  const id = derivedExecutionId(scope, messages);
  const known = nativeRuns.get(id);
  if (known !== undefined) return known;
  const execution: ExecutionInfo = {
    id,
    attempt: 1,
    startedAt: new Date().toISOString(),
    threadId,
    scope,
    isNew: true,
    manifestHash: null,
    derived: true,
  };
  const run: NativeRun = {
    execution,
    memory: new Map(),
    emitter: eventEmitter(() => execution, 0, {
      listeners: [],
      store: undefined,
      clock: Date.now,
      mode: "live",
      onSinkError: () => undefined,
    }),
  };
  nativeRuns.set(id, run);
  const oldest = nativeRuns.keys().next().value;
  if (nativeRuns.size > NATIVE_RUNS_KEPT && oldest !== undefined) nativeRuns.delete(oldest);
  return run;
}
