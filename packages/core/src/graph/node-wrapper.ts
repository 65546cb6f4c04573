import { Runnable } from "@langchain/core/runnables";
import type { RunnableConfig } from "@langchain/core/runnables";
import { isCommand } from "@langchain/langgraph";

import type { PrivateChannel } from "../middleware.ts";
import { watchFunction, watched } from "../model/watched-callbacks.ts";
import type { NodeConfig } from "../model/watched-callbacks.ts";
import { nodePath } from "../run/execution.ts";
import { ambientScope, withScope } from "../run/scope.ts";
import type { GraphScope, NodeScope } from "../run/scope.ts";
import { awaitsWriter } from "../state/private-writer.ts";
import { redactToolMessages } from "./redact-tool-messages.ts";
import type { RedactedToolMessages } from "./redact-tool-messages.ts";

/** What a wrapped node needs to know of its graph. */
export interface NodePlan {
  readonly reset: ReadonlyMap<string, PrivateChannel["reset"]>;
  readonly userChannels: readonly string[];
  /**
   * What is to be seen: calls that pass no seam, and tokens that are given to a listener; nothing
   * where the stack wraps no calls.
   */
  readonly watches: "calls" | "tokens" | "nothing";
  readonly redacts: RedactedToolMessages;
  /** How LangGraph invokes a node that is a function. */
  readonly invokeFunction: unknown;
}

/**
 * A node of a graph with middleware: the user's node under the ambient scope. What middleware leaves
 * in private channels waits for the node's writer.
 */
// A plain Runnable: RunnableLambda would add a span to every trace.
export class NodeWrapper extends Runnable<unknown, unknown> {
  lc_namespace: string[] = ["evenkeel", "node"];
  readonly bound: Runnable<unknown, unknown>;
  readonly node: string;
  readonly plan: NodePlan;
  readonly #watchesItself: boolean;

  constructor(node: string, bound: Runnable<unknown, unknown>, plan: NodePlan) {
    super();
    const view = plan.watches === "calls" ? watchedFunction(bound, plan) : undefined;
    this.node = node;
    this.bound = view ?? bound;
    this.plan = plan;
    this.#watchesItself = view !== undefined;
    this.name = bound.getName();
  }

  static override lc_name(): string {
    return "NodeWrapper";
  }

  /** The tools of a node that has them: LangGraph 1.7 names them where it draws the graph. */
  get tools(): unknown {
    return (this.bound as { readonly tools?: unknown }).tools;
  }

  override async invoke(input: unknown, config?: Partial<RunnableConfig>): Promise<unknown> {
    const { graph } = ambientScope();
    if (graph === undefined) return this.bound.invoke(input, config);
    const scope = nodeScope(graph, this.node, this.plan, config);
    const inner = this.#isWatched(config)
      ? ({ ...config, callbacks: watched(config?.callbacks) } as Partial<RunnableConfig>)
      : config;
    awaitsWriter(scope, config);
    const entered = { effect: undefined, graph, node: scope, call: undefined };
    const given = await withScope(entered, () => this.bound.invoke(input, inner));
    const result = redactToolMessages(given, this.plan.redacts);
    if (scope.refusal !== undefined) throw scope.refusal;
    if (scope.commands.length === 0) return result;
    const own = Array.isArray(result) && result.some(isCommand) ? (result as unknown[]) : [result];
    return [...own, ...scope.commands];
  }

  #isWatched(config: Partial<RunnableConfig> | undefined): boolean {
    const { watches } = this.plan;
    if (watches === "calls") return !this.#watchesItself;
    return watches === "tokens" && config?.callbacks !== undefined;
  }
}

/** A node that is a function, as LangGraph and its ToolNode make one. */
interface FunctionNode extends Runnable<unknown, unknown> {
  readonly func: (input: unknown, config: NodeConfig) => unknown;
}

/** A view of a node that is a function, in which its calls are watched; undefined for any other. */
function watchedFunction(
  bound: Runnable<unknown, unknown>,
  { invokeFunction }: NodePlan,
): Runnable<unknown, unknown> | undefined {
  const { func } = bound as Partial<FunctionNode>;
  // One that overrides how it is invoked may look at itself in ways a view does not bear.
  if (typeof func !== "function" || bound.invoke !== invokeFunction) return undefined;
  const view = Object.create(bound) as FunctionNode;
  const watching: FunctionNode["func"] = (input, config) => {
    watchFunction(config);
    return Reflect.apply(func, bound, [input, config]);
  };
  return Object.assign(view, { func: watching });
}

function nodeScope(
  graph: GraphScope,
  node: string,
  plan: NodePlan,
  config: Partial<RunnableConfig> | undefined,
): NodeScope {
  const configurable = (config?.configurable ?? {}) as Record<string, unknown>;
  const read = configurable["__pregel_read"] as
    | ((channels: readonly string[]) => Record<string, unknown>)
    | undefined;
  const namespace = configurable["checkpoint_ns"];
  let state: Readonly<Record<string, unknown>> | undefined;
  return {
    graph,
    node,
    path: typeof namespace === "string" && namespace !== "" ? nodePath(namespace) : node,
    read: (channel) => read?.([channel])[channel],
    writes: new Map(),
    commands: [],
    sites: new Map(),
    config: config ?? {},
    readState: () => (state ??= read?.(plan.userChannels) ?? {}),
  };
}
