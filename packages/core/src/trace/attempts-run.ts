import { CallbackManager } from "@langchain/core/callbacks/manager";
import type { CallbackManagerForChainRun, Callbacks } from "@langchain/core/callbacks/manager";
import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";

import type { SeamBase, StreamOptions } from "../graph/compiled-graph.ts";
import { isSecretKey } from "../redact/secret-keys.ts";

/** The run of a trace that all attempts of one process hang under. */
export interface AttemptsRun {
  readonly id: string;
  /** Everyone who hears of it and of what is below it. */
  readonly handlers: readonly unknown[];
  /** Callbacks for one attempt. */
  callbacks(): CallbackManager;
  end(output: unknown): Promise<void>;
  fail(error: unknown): Promise<void>;
}

/**
 * Opens that run with the graph's name and the caller's `runId`; undefined where nobody would hear
 * of it. LangGraph opens a run for each attempt below it.
 */
export async function openAttemptsRun(
  graph: SeamBase,
  input: unknown,
  options: StreamOptions,
): Promise<AttemptsRun | undefined> {
  const bound = graph.config?.["callbacks"] as Callbacks | undefined;
  const ambient = AsyncLocalStorageProviderSingleton.getRunnableConfig() as
    | { callbacks?: Callbacks }
    | undefined;
  const given = (options.callbacks as Callbacks | undefined) ?? ambient?.callbacks;
  const tags = [...tagsOf(graph.config), ...tagsOf(options)];
  const metadata = { ...metadataOf(graph.config), ...metadataOf(options) };
  const manager = CallbackManager.configure(
    merged(given, bound),
    undefined,
    tags.length === 0 ? undefined : tags,
    undefined,
    metadata,
  );
  const named = options["runName"] ?? graph.config?.["runName"];
  const runId = options["runId"] as string | undefined;
  const run = await manager?.handleChainStart(
    graph.toJSON(),
    asRecord(input, "input"),
    runId,
    undefined,
    undefined,
    undefined,
    typeof named === "string" ? named : graph.getName(),
  );
  if (run === undefined) return undefined;
  return {
    id: run.runId,
    handlers: run.handlers,
    callbacks: () => below(run, bound),
    end: async (output) => run.handleChainEnd(asRecord(output ?? {}, "output")),
    fail: async (error) => run.handleChainError(error),
  };
}

/** LangGraph adds what is bound to the graph by itself: a handler that came twice would hear all twice. */
function below(run: CallbackManagerForChainRun, bound: Callbacks | undefined): CallbackManager {
  const child = run.getChild();
  for (const handler of Array.isArray(bound) ? bound : []) {
    child.removeHandler(handler as Parameters<typeof child.removeHandler>[0]);
  }
  return child;
}

function merged(given: Callbacks | undefined, bound: Callbacks | undefined): Callbacks | undefined {
  if (bound === undefined || given === undefined) return given ?? bound;
  if (Array.isArray(given))
    return Array.isArray(bound) ? [...bound, ...given] : withMore(bound, given);
  return withMore(given, Array.isArray(bound) ? bound : bound.handlers);
}

function withMore(manager: CallbackManager, handlers: readonly unknown[]): CallbackManager {
  const copy = manager.copy();
  for (const handler of handlers) {
    const known = copy.handlers.includes(handler as (typeof copy.handlers)[number]);
    if (!known) copy.addHandler(handler as (typeof copy.handlers)[number], true);
  }
  return copy;
}

function tagsOf(config: StreamOptions | Record<string, unknown> | undefined): string[] {
  const tags = config?.["tags"];
  return Array.isArray(tags) ? (tags as string[]) : [];
}

/** What LangGraph puts on the run it opens: the metadata, and of `configurable` what is plain and no secret. */
function metadataOf(
  config: StreamOptions | Record<string, unknown> | undefined,
): Record<string, unknown> {
  const configurable = (config?.["configurable"] ?? {}) as Record<string, unknown>;
  const plain = Object.entries(configurable).filter(
    ([key, value]) =>
      !key.startsWith("__") &&
      !isSecretKey(key) &&
      ["string", "number", "boolean"].includes(typeof value),
  );
  return {
    ls_integration: "langgraph",
    ...Object.fromEntries(plain),
    ...(config?.["metadata"] as Record<string, unknown> | undefined),
  };
}

function asRecord(value: unknown, key: string): Record<string, unknown> {
  const plain = typeof value === "object" && value !== null && !Array.isArray(value);
  return plain && !(value instanceof Date) ? (value as Record<string, unknown>) : { [key]: value };
}
