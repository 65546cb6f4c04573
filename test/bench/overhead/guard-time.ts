import { performance } from "node:perf_hooks";

import { median } from "../measure/statistics.ts";
import type { CallKind } from "./base-clock.ts";
import type { CaseGraph } from "./cases.ts";

/** Median time per call in milliseconds around the wire or the tool. */
export interface GuardTime {
  /** In the variant, less the same in the bare graph. */
  readonly modelMs: number;
  readonly toolMs: number;
  /** In the bare graph: the share of LangGraph and of the model's client. */
  readonly floor: { readonly modelMs: number; readonly toolMs: number };
}

/** Time of one node that was not its call's own. */
export interface NodeTime {
  readonly kind: CallKind;
  readonly ms: number;
}

/** What stands around a call inside its node: the node's time less that of the wire or the tool. */
export function guardOf(bare: MeasuredGraph, guarded: MeasuredGraph): GuardTime {
  const floor = { modelMs: medianOf(bare, "model"), toolMs: medianOf(bare, "tool") };
  return {
    modelMs: medianOf(guarded, "model") - floor.modelMs,
    toolMs: medianOf(guarded, "tool") - floor.toolMs,
    floor,
  };
}

function medianOf({ times }: MeasuredGraph, kind: CallKind): number {
  return median(times.filter((time) => time.kind === kind).map(({ ms }) => ms));
}

/** A graph that notes, node by node, the time that was not the model's or the tool's. */
export interface MeasuredGraph extends CaseGraph {
  readonly times: NodeTime[];
}

/** Puts a stopwatch around what LangGraph runs as a node, with or without middleware in it. */
export function measureNodes({ graph, clock }: CaseGraph): MeasuredGraph {
  const times: NodeTime[] = [];
  for (const { bound } of Object.values(graph.nodes)) {
    const invoke = bound.invoke.bind(bound);
    bound.invoke = async (input, config) => {
      clock.take();
      const start = performance.now();
      const result = await invoke(input, config);
      const ms = performance.now() - start;
      const base = clock.take();
      if (base !== undefined) times.push({ kind: base.kind, ms: ms - base.spentMs });
      return result;
    };
  }
  return { graph, clock, times };
}
