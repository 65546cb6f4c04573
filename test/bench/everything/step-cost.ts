import { performance } from "node:perf_hooks";

import type { EvenkeelStore } from "@evenkeel/core";

import { median } from "../measure/statistics.ts";
import { runOnce } from "../overhead/bench-run.ts";
import type { BenchWorld } from "../overhead/bench-world.ts";
import type { CaseGraph, CaseSide } from "../overhead/cases.ts";
import { stateGraph } from "../overhead/graphs.ts";
import { bareSide, everythingSide } from "./sides.ts";

/** What a superstep takes at one place of a long run: node, writes and checkpoint, the call itself taken off. */
export interface StepCost {
  readonly step: number;
  readonly bareMs: number;
  readonly allOnMs: number;
  readonly addedMs: number;
}

const NEIGHBOURS = 10;

/** Measures supersteps early and late in runs that are long enough to have them, at durability sync. */
export async function measureStepCost(
  world: BenchWorld,
  store: EvenkeelStore,
  { steps, runs }: { readonly steps: readonly number[]; readonly runs: number },
): Promise<StepCost[]> {
  const toolCalls = Math.ceil((Math.max(...steps) + NEIGHBOURS) / 2);
  const long = (side: CaseSide) => ({
    side,
    laps: lapTimes(world.build(side, { toolCalls, thinkMs: 0 })),
    runs: [] as number[][],
  });
  const bare = long(bareSide(stateGraph));
  const allOn = long(everythingSide(stateGraph, store, "pure"));
  for (let run = 0; run < runs; run += 1) {
    for (const one of run % 2 === 0 ? [bare, allOn] : [allOn, bare]) {
      one.runs.push(await one.laps.run(one.side));
      await world.database.clear();
    }
  }
  return steps.map((step) => {
    const bareMs = aboutStep(bare.runs, step);
    const allOnMs = aboutStep(allOn.runs, step);
    return { step, bareMs, allOnMs, addedMs: allOnMs - bareMs };
  });
}

/** Half of the steps near it are of the model and half of the tool. */
function aboutStep(runs: readonly (readonly number[])[], step: number): number {
  const from = Math.max(0, step - NEIGHBOURS);
  const near = runs.map((run) => run.slice(from, from + 2 * NEIGHBOURS));
  const model = median(near.flatMap((run) => run.filter((_, index) => index % 2 === 0)));
  const tool = median(near.flatMap((run) => run.filter((_, index) => index % 2 === 1)));
  return (model + tool) / 2;
}

/** Notes, from the start of a node to the start of the next, what was not spent in the call itself. */
function lapTimes({ graph, clock }: CaseGraph): { run(side: CaseSide): Promise<number[]> } {
  let laps: number[] = [];
  let began: number | undefined;
  const lap = (): void => {
    const now = performance.now();
    const spent = clock.take()?.spentMs ?? 0;
    if (began !== undefined) laps.push(now - began - spent);
    began = now;
  };
  for (const { bound } of Object.values(graph.nodes)) {
    const invoke = bound.invoke.bind(bound);
    bound.invoke = (input, config) => {
      lap();
      return invoke(input, config);
    };
  }
  return {
    async run(side) {
      laps = [];
      began = undefined;
      await runOnce({ graph }, side);
      return laps;
    },
  };
}
