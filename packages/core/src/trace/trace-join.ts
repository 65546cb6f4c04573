import { CallbackManager, ensureHandler } from "@langchain/core/callbacks/manager";
import type { Callbacks } from "@langchain/core/callbacks/manager";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";

import { tracerOf } from "./live-root.ts";

/** Callbacks of a run, the caller's and those bound to the graph. */
export interface GivenCallbacks {
  readonly own: unknown;
  readonly bound: unknown;
}

/** Callbacks that carry a resumed part into its execution's trace, and what to do once it has ended. */
export interface JoinedTrace {
  readonly callbacks: unknown;
  leave(): void;
}

/** Hangs a resumed part under the run its execution began with; a run that cannot stays as it is. */
export async function joinTrace(
  dottedOrder: string | undefined,
  given: GivenCallbacks,
): Promise<JoinedTrace> {
  const apart: JoinedTrace = { callbacks: given.own, leave: () => undefined };
  if (!isDottedOrder(dottedOrder)) return apart;
  try {
    return (await joined(dottedOrder, given as GivenManagers)) ?? apart;
  } catch {
    // A trace that falls in two is better than a run that fails over it.
    return apart;
  }
}

interface GivenManagers {
  readonly own: Callbacks | undefined;
  readonly bound: Callbacks | undefined;
}

async function joined(
  dottedOrder: string,
  { own, bound }: GivenManagers,
): Promise<JoinedTrace | undefined> {
  if (hasParent(own) || hasParent(bound) || insideTracedFunction()) return undefined;
  const known = tracerOf([...handlersOf(own), ...handlersOf(bound)]) as KnownTracer | undefined;
  if (known === undefined && !tracingEnabled()) return undefined;
  const tracer: KnownTracer = known ?? (new LangChainTracer() as unknown as KnownTracer);
  const parent = await enterParent(dottedOrder, tracer);
  if (parent === undefined) return undefined;
  const manager = managerUnder(parent.id, own);
  // LangGraph adds what is bound to the graph by itself.
  if (known === undefined) manager.addHandler(tracer as unknown as LangChainTracer, true);
  return { callbacks: manager, leave: () => parent.leave() };
}

/** The parts of LangChain's tracer that take a run of another process for one of their own. */
interface KnownTracer {
  readonly client: unknown;
  readonly projectName?: string;
  /** Where it sends to instead of a project, since @langchain/core 1.2.18. */
  readonly address?: unknown;
  readonly replicas?: unknown;
  readonly runTreeMap: Map<string, unknown>;
  getRun(id: string): unknown;
  updateFromRunTree(run: unknown): void;
}

/** Makes the run an execution began with known to the tracer, by a stand-in that is never sent. */
async function enterParent(
  dottedOrder: string,
  tracer: KnownTracer,
): Promise<{ id: string; leave(): void } | undefined> {
  const id = dottedOrder.slice(-36);
  // Still open in this very process: a stand-in would take its place and its last update with it.
  if (tracer.getRun(id) !== undefined) return { id, leave: () => undefined };
  const RunTree = await runTreeClass();
  const { client, projectName, address, replicas } = tracer;
  const given = { project_name: projectName, address, replicas };
  const standIn = RunTree?.fromHeaders(
    { "langsmith-trace": dottedOrder },
    { client, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value != null)) },
  );
  if (standIn === undefined) return undefined;
  tracer.updateFromRunTree(standIn);
  // A tracer that serves many runs would keep every stand-in, and all that was traced below it.
  return { id, leave: () => void tracer.runTreeMap.delete(id) };
}

function managerUnder(parentId: string, callbacks: Callbacks | undefined): CallbackManager {
  if (callbacks !== undefined && !Array.isArray(callbacks)) {
    return new CallbackManager(parentId, {
      handlers: [...callbacks.handlers],
      inheritableHandlers: [...callbacks.inheritableHandlers],
      tags: [...callbacks.tags],
      inheritableTags: [...callbacks.inheritableTags],
      metadata: { ...callbacks.metadata },
      inheritableMetadata: { ...callbacks.inheritableMetadata },
    });
  }
  const manager = new CallbackManager(parentId);
  for (const handler of callbacks ?? []) manager.addHandler(ensureHandler(handler), true);
  return manager;
}

function handlersOf(callbacks: Callbacks | undefined): readonly unknown[] {
  return Array.isArray(callbacks) ? callbacks : (callbacks?.handlers ?? []);
}

/** A caller that brings its own parent run has decided where this run belongs. */
function hasParent(callbacks: Callbacks | undefined): boolean {
  if (callbacks === undefined || Array.isArray(callbacks)) return false;
  return callbacks.getParentRunId() !== undefined;
}

function insideTracedFunction(): boolean {
  return LangChainTracer.getTraceableRunTree()?.id !== undefined;
}

// A moment with microseconds and a run's id, for each run from the root downward.
const DOTTED_ORDER = /^(?:\d{8}T\d{12}Z[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}(?:\.|$))+$/i;

function isDottedOrder(text: unknown): text is string {
  return typeof text === "string" && DOTTED_ORDER.test(text) && !text.endsWith(".");
}

interface RunTreeClass {
  fromHeaders(headers: Record<string, string>, inherit: Record<string, unknown>): unknown;
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
