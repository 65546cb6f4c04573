import { Runnable } from "@langchain/core/runnables";
import type { RunnableConfig } from "@langchain/core/runnables";
import { isCommand } from "@langchain/langgraph";

import { watched } from "./call-watch.ts";
import { EXECUTION_CHANNEL, nodePath } from "./execution.ts";
import type { PrivateChannel } from "./middleware.ts";
import { channelUpdates } from "./private-state.ts";
import { ambientScope, withScope } from "./scope.ts";
import type { GraphScope, NodeScope, RunScope } from "./scope.ts";

/** What a wrapped node needs to know of its graph. */
export interface NodePlan {
  readonly reset: ReadonlyMap<string, PrivateChannel["reset"]>;
  readonly userChannels: readonly string[];
  /** Whether calls that pass no seam are to be seen: only where the stack wraps calls. */
  readonly watches: boolean;
}

/**
 * A node of a graph with middleware. It runs the user's node under the ambient scope and, once the
 * node has completed, writes what middleware left in private channels: a write of a task that fails
 * afterwards would make LangGraph take the task for done.
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
    const result = await withScope({ graph, node: scope }, () => this.bound.invoke(input, inner));
    flush(scope, this.plan, config);
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
    siteCount: 0,
    readState: () => (state ??= read?.(plan.userChannels) ?? {}),
  };
}

/** What waited at the level of the run goes with the first node of the outermost graph to complete. */
function carryOver(scope: NodeScope, run: RunScope): void {
  for (const [channel, entries] of run.carried) {
    scope.writes.set(channel, { ...entries, ...scope.writes.get(channel) });
  }
  run.carried.clear();
  const sequence = run.emitter.sequence();
  if (sequence > run.savedSequence) {
    scope.writes.set(EXECUTION_CHANNEL, { ...scope.writes.get(EXECUTION_CHANNEL), sequence });
    run.savedSequence = sequence;
  }
}

function flush(
  scope: NodeScope,
  plan: NodePlan,
  config: Partial<RunnableConfig> | undefined,
): void {
  const { graph } = scope;
  const { run, parent } = graph;
  if (parent === undefined) carryOver(scope, run);
  if (scope.writes.size === 0) return;
  const send = config?.configurable?.["__pregel_send"] as
    | ((updates: [string, unknown][]) => void)
    | undefined;
  const here = new Map([...scope.writes].filter(([channel]) => graph.channels.has(channel)));
  send?.(channelUpdates(here, run, plan.reset));
  if (parent === undefined) return;
  // A subgraph's state starts anew with its parent's next call of it: the parent keeps it as well.
  for (const [channel, entries] of scope.writes) {
    parent.writes.set(channel, { ...parent.writes.get(channel), ...entries });
  }
}
