import type { GraphFacts, PrivateChannel } from "../middleware.ts";
import type { RunOptions } from "../run/run-options.ts";
import type { Builder, Compiled } from "./compiled-graph.ts";
import type { StackEntry } from "./stack.ts";

/** What the run seam needs to know of a graph with middleware. */
export interface GraphPlan {
  readonly stack: readonly StackEntry[];
  /** Private channels of this graph, and how each is reset. */
  readonly reset: ReadonlyMap<string, PrivateChannel["reset"]>;
  readonly userChannels: readonly string[];
  /** Public channels that foreign middleware added. */
  readonly shared: readonly string[];
  readonly facts: GraphFacts;
}

/** What a graph with middleware is made of. */
export interface SeamPlan extends GraphPlan {
  readonly options: RunOptions;
}

// Found by the builder, which `withConfig` hands on; fields set outside a constructor it loses.
const plans = new WeakMap<Builder, SeamPlan>();

// Another installed copy of core cannot read the plan, and still has to see that there is one.
const STACK = Symbol.for("evenkeel.stack");

/** Remembers the plan of a copied builder. */
export function registerPlan(builder: Builder, plan: SeamPlan): void {
  plans.set(builder, plan);
  Object.defineProperty(builder, STACK, { value: plan.stack.map(({ name }) => name) });
}

/** The middleware around a graph by name, whichever copy of core put it there; else undefined. */
export function middlewareOf(graph: Compiled): readonly string[] | undefined {
  return (graph.builder as { [STACK]?: readonly string[] })[STACK];
}

/** The plan of a graph made by `withMiddleware`, or undefined for any other graph. */
export function planOf(graph: unknown): SeamPlan | undefined {
  const builder = (graph as Partial<Compiled> | null)?.builder;
  return builder === undefined ? undefined : plans.get(builder);
}
