import { getConfig } from "@langchain/langgraph";

import { tracerOf } from "./live-root.ts";
import type { LiveRootRun } from "./live-root.ts";
import { rootRun } from "./root-run.ts";
import type { ClimbableRun } from "./root-run.ts";

/** An open run of a LangSmith trace: what its last update carries can still be changed here. */
export interface LiveRunTree extends LiveRootRun, ClimbableRun {
  /** The headers by which another process joins this trace. */
  toHeaders?(): Record<string, string>;
}

/** Where a piece of code stands in a live trace. */
export interface LiveRun {
  /** The run it executes in. */
  run: LiveRunTree;
  /** The highest run of the trace that lives in this process. */
  root: LiveRunTree;
}

/** The part of a runnable's config that leads to the trace. */
export interface TracedConfig {
  callbacks?: unknown;
}

interface CallbackManagerLike {
  handlers?: readonly unknown[];
  getParentRunId?(): string | undefined;
}

interface RunLookup {
  getRun(id: string): LiveRunTree | undefined;
}

/**
 * The open run and root run of the trace a node, tool or hook executes in, found from any depth;
 * undefined where the run is not traced. Changing the root's `tags` and `extra.metadata` changes
 * what the trace shows.
 *
 * @param config what the node or tool was given; by default the ambient one.
 */
export function liveRun(config: TracedConfig | undefined = ambientConfig()): LiveRun | undefined {
  const callbacks = config?.callbacks;
  // Only a manager knows its parent run; with tracing off langsmith's own look-up would answer
  // with a phantom run, so the tracer is asked and nothing else.
  if (typeof callbacks !== "object" || callbacks === null || Array.isArray(callbacks))
    return undefined;
  const manager: CallbackManagerLike = callbacks;
  const tracer: RunLookup | undefined = tracerOf(manager.handlers);
  const parentRunId = manager.getParentRunId?.();
  if (tracer === undefined || parentRunId === undefined) return undefined;
  const run = tracer.getRun(parentRunId);
  return run === undefined ? undefined : { run, root: rootRun(run, tracer) };
}

function ambientConfig(): TracedConfig | undefined {
  try {
    return getConfig();
  } catch {
    // Outside of any run there is no ambient config, and so no trace.
    return undefined;
  }
}
