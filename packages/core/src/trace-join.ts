import { CallbackManager, ensureHandler } from "@langchain/core/callbacks/manager";
import type { Callbacks } from "@langchain/core/callbacks/manager";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";

import { tracerOf } from "./live-root.ts";

/** Callbacks that hang a resumed part under the trace its execution began with. */
export async function joinTrace(dottedOrder: string, callbacks: unknown): Promise<unknown> {
  const given = callbacks as Callbacks | undefined;
  // A caller that brings its own parent run has decided where this run belongs.
  if (given !== undefined && !Array.isArray(given)) return callbacks;
  const handlers = (given ?? []).map((handler) => ensureHandler(handler as never));
  const existing = tracerOf(handlers) as unknown as LangChainTracer | undefined;
  if (existing === undefined && !tracingEnabled()) return callbacks;
  const RunTree = await runTreeClass();
  if (RunTree === undefined) return callbacks;
  const tracer = existing ?? new LangChainTracer();
  const parent = RunTree.fromHeaders(
    { "langsmith-trace": dottedOrder },
    { client: tracer.client, project_name: tracer.projectName },
  );
  if (parent === undefined) return callbacks;
  tracer.updateFromRunTree(parent as never);
  const manager = new CallbackManager(parent.id);
  for (const handler of existing === undefined ? [...handlers, tracer] : handlers) {
    manager.addHandler(handler, true);
  }
  return manager;
}

interface RunTreeLike {
  id: string;
}

interface RunTreeClass {
  fromHeaders(
    headers: Record<string, string>,
    inherit: Record<string, unknown>,
  ): RunTreeLike | undefined;
}

async function runTreeClass(): Promise<RunTreeClass | undefined> {
  try {
    const module = (await import("langsmith/run_trees")) as unknown as { RunTree: RunTreeClass };
    return module.RunTree;
  } catch {
    // langsmith is an optional peer: without it the parts of an execution meet by its id.
    return undefined;
  }
}

function tracingEnabled(): boolean {
  const names = [
    "LANGSMITH_TRACING_V2",
    "LANGCHAIN_TRACING_V2",
    "LANGSMITH_TRACING",
    "LANGCHAIN_TRACING",
  ];
  return names.some((name) => process.env[name] === "true");
}
