import { withMiddleware } from "@evenkeel/core";
import type { AnyMiddleware } from "@evenkeel/core";

import type { BenchWorld } from "../overhead/bench-world.ts";
import type { CaseSide } from "../overhead/cases.ts";
import { compiledGraph, plainAgent, stateGraph } from "../overhead/graphs.ts";
import type { BenchGraph } from "../overhead/graphs.ts";
import { measurePair } from "../overhead/measure-pair.ts";

/** What is put around a run, by title; undefined for the bare graph itself. */
export type Stacks = Readonly<Record<string, (() => readonly AnyMiddleware[]) | undefined>>;

/** What is measured, and for how long. */
export interface CostPlan {
  readonly pairs: number;
  readonly toolCalls: number;
  readonly thinks: readonly number[];
}

/** One stack on one graph, against the bare graph. */
export type CostRow = Awaited<ReturnType<typeof measureRow>> & {
  readonly graph: string;
  readonly variant: string;
};

/** Measures every stack on a hand-written graph and on createAgent, in interleaved pairs on Postgres. */
export async function measureCostRows(
  world: BenchWorld,
  stacks: Stacks,
  { pairs, toolCalls, thinks }: CostPlan,
): Promise<CostRow[]> {
  const rows: CostRow[] = [];
  for (const [graph, subject] of Object.entries({
    StateGraph: stateGraph,
    createAgent: plainAgent,
  })) {
    for (const thinkMs of thinks) {
      for (const [variant, stack] of Object.entries(stacks)) {
        console.error(`... ${graph}, ${variant}, the model thinks ${thinkMs} ms`);
        const plan = {
          reference: sideOf(subject, undefined),
          variant: sideOf(subject, stack),
          toolCalls,
          thinkMs,
          pairs,
        };
        const row = await measureRow(world, plan);
        rows.push({ graph, "model thinks, ms": thinkMs, variant, ...row } as CostRow);
      }
    }
  }
  return rows;
}

function sideOf(
  subject: typeof stateGraph,
  stack: (() => readonly AnyMiddleware[]) | undefined,
): CaseSide {
  return {
    durability: "sync",
    build(options) {
      const built = subject(options);
      const { source, clock } = built;
      const graph =
        stack === undefined
          ? compiledGraph(built)
          : (withMiddleware(source, stack()) as unknown as BenchGraph);
      return { graph, clock };
    },
  };
}

interface RowPlan {
  readonly reference: CaseSide;
  readonly variant: CaseSide;
  readonly toolCalls: number;
  readonly thinkMs: number;
  readonly pairs: number;
}

async function measureRow(world: BenchWorld, plan: RowPlan) {
  const { reference, variant, pairs, ...task } = plan;
  const measured = await measurePair(world, { reference, variant }, task, pairs);
  const { reference: bareCounts, counts, times, guard } = measured;
  const calls = 2 * task.toolCalls + 1;
  return {
    supersteps: counts.supersteps,
    checkpoints: counts.checkpoints,
    "steps equal":
      counts.supersteps === bareCounts.supersteps && counts.checkpoints === bareCounts.checkpoints,
    "statements a call": rounded((counts.statements - bareCounts.statements) / calls),
    "rows a call": rounded((counts.rows - bareCounts.rows) / calls),
    "bytes a call": Math.round((counts.bytes - bareCounts.bytes) / calls),
    "guard, model ms": rounded(guard.modelMs),
    "guard, tool ms": rounded(guard.toolMs),
    "extra a call, ms": rounded(times.differenceMs / calls),
    ratio: rounded(times.ratio),
    "95 %": `${times.interval.low.toFixed(2)}-${times.interval.high.toFixed(2)}`,
  };
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
