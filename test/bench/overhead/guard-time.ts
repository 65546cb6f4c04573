import { performance } from "node:perf_hooks";

import { median } from "../measure/statistics.ts";
import type { CallKind } from "./base-clock.ts";
import type { BenchDatabase } from "./bench-database.ts";
import { runOnce } from "./bench-run.ts";
import type { BenchCase, CaseGraph, CaseSide } from "./cases.ts";

/** Median time per call in milliseconds around the model or tool itself. */
export interface GuardTime {
  /** In the variant, less the same in the bare graph. */
  readonly modelMs: number;
  readonly toolMs: number;
  /** In the bare graph: LangGraph's own share. */
  readonly floor: { readonly modelMs: number; readonly toolMs: number };
}

/** Time of one node that was not its call's own. */
export interface NodeTime {
  readonly kind: CallKind;
  readonly ms: number;
}

const MEASURED_CALLS = 300;
const WARM_UP_RUNS = 5;

/**
 * Measures what stands around a call inside its node: the node's time less the time of the model or
 * tool itself, for variant and bare graph in turn. Made apart from the timed pairs.
 */
export async function measureGuard(
  database: BenchDatabase,
  { reference, variant }: BenchCase,
  toolCalls: number,
): Promise<GuardTime> {
  const build = (side: CaseSide): MeasuredGraph =>
    measureNodes(side.build({ toolCalls, checkpointer: database.checkpointer }));
  const bare = build(reference);
  const guarded = build(variant);
  const runs = Math.max(10, Math.ceil(MEASURED_CALLS / toolCalls));
  for (let run = 0; run < WARM_UP_RUNS + runs; run += 1) {
    if (run === WARM_UP_RUNS) {
      bare.times.length = 0;
      guarded.times.length = 0;
    }
    await runOnce(bare, reference);
    await runOnce(guarded, variant);
  }
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
