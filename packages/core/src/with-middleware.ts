import type { BaseCheckpointSaver, BaseStore } from "@langchain/langgraph";

import { CoreError } from "./errors.ts";
import { isBuilder, isCompiledGraph } from "./graph/compiled-graph.ts";
import type { Compiled } from "./graph/compiled-graph.ts";
import { copyGraph } from "./graph/copy-graph.ts";
import { agentWith, isAgent } from "./graph/native-agent.ts";
import type { Agent } from "./graph/native-agent.ts";
import { warnOfParallelWrites } from "./graph/parallel-writes.ts";
import { middlewareOf } from "./graph/seam-plan.ts";
import { warnOfOrder } from "./graph/stack-order.ts";
import { buildStack } from "./graph/stack.ts";
import type { StackEntry } from "./graph/stack.ts";
import type { AnyMiddleware } from "./middleware.ts";
import type { RunOptions } from "./run/run-options.ts";
import { buildSeamGraph } from "./run/run-seam.ts";

/** Options of {@link withMiddleware}; those of `compile` count for a builder only. */
export interface WithMiddlewareOptions extends RunOptions {
  checkpointer?: BaseCheckpointSaver | boolean;
  store?: BaseStore;
  cache?: unknown;
  interruptBefore?: string[] | "*";
  interruptAfter?: string[] | "*";
  name?: string;
  description?: string;
}

/** The compiled graph that comes out: the given one's type, a builder's or an agent's compiled type. */
export type WithMiddleware<Graph> = Graph extends { compile(...values: never[]): infer Result }
  ? Result
  : Graph extends { readonly graph: infer Inner }
    ? Inner & Pick<Graph, Extract<keyof Graph, "~agentTypes">>
    : Graph;

const COMPILE_OPTIONS = [
  "checkpointer",
  "store",
  "cache",
  "interruptBefore",
  "interruptAfter",
  "name",
  "description",
] as const;
const RUN_OPTIONS = [
  "strict",
  "onEvent",
  "eventStore",
  "onSinkError",
  "scope",
  "redactErrors",
  "redactToolMessages",
  "runMode",
  "clock",
  "createId",
] as const;

/**
 * Carries middleware to a graph: a StateGraph builder, a compiled graph, `createReactAgent`,
 * LangChain's `createAgent`, deepagents. What comes out is the same kind of graph, a compiled one
 * with the same types; the graph that went in is not changed.
 *
 * Error behavior: no graph, a bad stack or a bad option throws a coded error here; a missing
 * checkpointer, store or message list when a run starts. Output: a compiled graph. State: the
 * private channels of the stack and `_execution`, in no stream and no output. When it fires: every
 * `invoke`, `stream`, `streamEvents` and `batch` of the graph passes the run seam.
 *
 * @example
 * ```ts
 * const agent = withMiddleware(builder.compile({ checkpointer }), [configFreezeMiddleware()]);
 * ```
 */
export function withMiddleware<Graph extends object>(
  graph: Graph,
  middleware: readonly AnyMiddleware[] = [],
  options: WithMiddlewareOptions = {},
): WithMiddleware<Graph> {
  assertArguments(middleware, options);
  const { compiled, stack, native } = prepare(graph, middleware, options);
  warnOfOrder(stack);
  return seamGraph(compiled, stack, options, { root: true, native }) as WithMiddleware<Graph>;
}

/** The compiled graph to copy and the stack to put around it. */
function prepare(
  graph: object,
  middleware: readonly AnyMiddleware[],
  options: WithMiddlewareOptions,
): { compiled: Compiled; stack: StackEntry[]; native: boolean } {
  if (isAgent(graph)) {
    const agent: Agent = agentWith(graph, middleware);
    return {
      compiled: agent.graph,
      stack: buildStack([], agent.options.middleware ?? []),
      native: true,
    };
  }
  const stack = buildStack(middleware);
  if (isCompiledGraph(graph)) {
    const known = middlewareOf(graph);
    if (known === undefined) return { compiled: graph, stack, native: false };
    throw new CoreError({
      code: "invalid-graph",
      message: `${graph.getName()} has middleware already (${known.join(", ") || "none"}). Give the whole stack in one call of withMiddleware.`,
    });
  }
  if (isBuilder(graph)) {
    const given = Object.fromEntries(
      COMPILE_OPTIONS.filter((key) => options[key] !== undefined).map((key) => [key, options[key]]),
    );
    return { compiled: graph.compile(given), stack, native: false };
  }
  throw new CoreError({
    code: "invalid-graph",
    message: `withMiddleware: ${describe(graph)} came; a StateGraph builder, a compiled graph, or an agent of createReactAgent, createAgent or deepagents is allowed.`,
  });
}

function seamGraph(
  compiled: Compiled,
  stack: readonly StackEntry[],
  options: RunOptions,
  where: { readonly root: boolean; readonly native: boolean },
): Compiled {
  warnOfParallelWrites(compiled);
  const { fields, builder, plan } = copyGraph(compiled, stack, {
    ...where,
    redacts: options.redactToolMessages ?? "none",
    subgraph: (subgraph) =>
      middlewareOf(subgraph) === undefined
        ? seamGraph(subgraph, stack, options, { root: false, native: where.native })
        : subgraph,
  });
  return buildSeamGraph(compiled, fields, builder, { ...plan, options });
}

function assertArguments(middleware: unknown, options: unknown): void {
  if (!Array.isArray(middleware)) {
    throw new CoreError({
      code: "invalid-middleware",
      message: `withMiddleware: the stack must be a list of middleware; ${describe(middleware)} came.`,
    });
  }
  if (typeof options !== "object" || options === null) {
    throw new CoreError({
      code: "invalid-options",
      message: `withMiddleware: options must be an object; ${describe(options)} came.`,
    });
  }
  const allowed: readonly string[] = [...COMPILE_OPTIONS, ...RUN_OPTIONS];
  const unknown = Object.keys(options).find((key) => !allowed.includes(key));
  if (unknown !== undefined) {
    throw new CoreError({
      code: "invalid-options",
      message: `withMiddleware: unknown option "${unknown}"; allowed are ${allowed.join(", ")}.`,
    });
  }
  const { redactToolMessages = "none" } = options as WithMiddlewareOptions;
  if (!["none", "errors", "all"].includes(redactToolMessages)) {
    throw new CoreError({
      code: "invalid-options",
      message: `withMiddleware: option "redactToolMessages" must be "none", "errors" or "all"; ${JSON.stringify(redactToolMessages)} came.`,
    });
  }
  const functions = ["onEvent", "onSinkError", "scope", "clock", "createId"] as const;
  for (const key of functions) {
    const value = (options as WithMiddlewareOptions)[key];
    if (value !== undefined && typeof value !== "function") {
      throw new CoreError({
        code: "invalid-options",
        message: `withMiddleware: option "${key}" must be a function; ${describe(value)} came.`,
      });
    }
  }
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === "object"
    ? `an object of ${value.constructor?.name ?? "no class"}`
    : `a ${typeof value}`;
}
