import { withMiddleware } from "@evenkeel/core";
import type { EvenkeelStore } from "@evenkeel/core";
import { recommendedStack } from "evenkeel";

import type { CaseSide } from "../overhead/cases.ts";
import { compiledGraph, plainAgent, reactAgent, stateGraph } from "../overhead/graphs.ts";
import type { BenchGraph, BenchSubject, SubjectOptions } from "../overhead/graphs.ts";

/** What a side is made of: a graph, and what the one tool of it is said to do. */
export type Subject = (options: SubjectOptions) => BenchSubject;

/** The three ways to build an agent that are measured. */
export const GRAPHS: Readonly<Record<string, Subject>> = {
  StateGraph: stateGraph,
  createReactAgent: reactAgent,
  createAgent: plainAgent,
};

/** How a tool is declared: one that only reads, or one whose every call is an effect in the ledger. */
export type ToolKind = "pure" | "once";

/** The graph as LangGraph or LangChain gives it. */
export function bareSide(subject: Subject): CaseSide {
  return {
    durability: "sync",
    build(options) {
      const built = subject(options);
      return { graph: compiledGraph(built), clock: built.clock };
    },
  };
}

/** The same graph with every package on, all stores on Postgres. */
export function everythingSide(
  subject: Subject,
  store: EvenkeelStore,
  look_up_order: ToolKind,
): CaseSide {
  return {
    durability: "sync",
    build(options) {
      const { source, clock } = subject(options);
      const stack = recommendedStack({ store, toolIdempotency: { tools: { look_up_order } } });
      return { graph: withMiddleware(source, stack) as unknown as BenchGraph, clock };
    },
  };
}
