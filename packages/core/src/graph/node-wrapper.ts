import { Runnable } from "@langchain/core/runnables";
import type { RunnableConfig } from "@langchain/core/runnables";
import { isCommand } from "@langchain/langgraph";

import type { PrivateChannel } from "../middleware.ts";
import { watched } from "../model/call-watch.ts";
import { nodePath } from "../run/execution.ts";
import { ambientScope, withScope } from "../run/scope.ts";
import type { GraphScope, NodeScope } from "../run/scope.ts";
import { awaitsWriter } from "../state/private-writer.ts";

/** What a wrapped node needs to know of its graph. */
export interface NodePlan {
  readonly reset: ReadonlyMap<string, PrivateChannel["reset"]>;
  readonly userChannels: readonly string[];
  /** Whether calls that pass no seam are to be seen: only where the stack wraps calls. */
  readonly watches: boolean;
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

  constructor(node: string, bound: Runnable<unknown, unknown>, plan: NodePlan) {
    super();
    this.node = node;
    this.bound = bound;
    this.plan = plan;
    this.name = bound.getName();
  }

  static override lc_name(): string {
    return "NodeWrapper";
  }

  override async invoke(input: unknown, config?: Partial<RunnableConfig>): Promise<unknown> {
    const { graph } = ambientScope();
    if (graph === undefined) return this.bound.invoke(input, config);
    const scope = nodeScope(graph, this.node, this.plan, config);
    const inner = this.plan.watches
      ? ({ ...config, callbacks: watched(config?.callbacks) } as Partial<RunnableConfig>)
      : config;
    awaitsWriter(scope, config);
    const result = await withScope({ graph, node: scope }, () => this.bound.invoke(input, inner));
    if (scope.refusal !== undefined) throw scope.refusal;
    if (scope.commands.length === 0) return result;
    const own = Array.isArray(result) && result.some(isCommand) ? (result as unknown[]) : [result];
    return [...own, ...scope.commands];
  }
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
