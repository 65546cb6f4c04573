import { median } from "../measure/statistics.ts";
import type { CallKind } from "./base-clock.ts";
import { runOnce } from "./bench-run.ts";
import type { BenchWorld } from "./bench-world.ts";
import type { BenchCase, CaseSide } from "./cases.ts";
import { type MeasuredGraph, type NodeTime, measureNodes } from "./guard-time.ts";

/** What stands around a call about one step of a long run, in milliseconds, less the bare graph's. */
export interface StepGuard {
  readonly step: number;
  readonly modelMs: number;
  readonly toolMs: number;
}

const STEPS = [10, 100, 500];
// Twenty steps about the one that is named: ten calls of the model, ten of the tool. At step 500 a
// node takes milliseconds, and what is looked for is a twentieth of one.
const NEIGHBOURS = 10;
const RUNS = 12;
const WARM_UP_RUNS = 1;
// Between two steps nothing is written then: late in a run the writing of all its messages leaves
// cold caches behind, which slow down the bare graph's nodes just as much.
const ONE_CHECKPOINT = { durability: "exit" } as const;

/** Measures the guard at early and late steps of runs that are long enough to have them. */
export async function measureGuardBySteps(
  { database, build }: BenchWorld,
  { reference, variant }: BenchCase,
): Promise<StepGuard[]> {
  const toolCalls = Math.ceil((Math.max(...STEPS) + NEIGHBOURS) / 2);
  const measured = (side: CaseSide): MeasuredGraph & { runs: NodeTime[][] } => ({
    ...measureNodes(build(side, { toolCalls, thinkMs: 0 })),
    runs: [],
  });
  const bare = measured(reference);
  const guarded = measured(variant);
  for (let run = 0; run < WARM_UP_RUNS + RUNS; run += 1) {
    for (const one of [bare, guarded]) {
      one.times.length = 0;
      await runOnce(one, ONE_CHECKPOINT);
      if (run >= WARM_UP_RUNS) one.runs.push([...one.times]);
      await database.clear();
    }
  }
  return STEPS.map((step) => {
    const more = (kind: CallKind): number =>
      aboutStep(guarded.runs, step, kind) - aboutStep(bare.runs, step, kind);
    return { step, modelMs: more("model"), toolMs: more("tool") };
  });
}

function aboutStep(runs: readonly (readonly NodeTime[])[], step: number, wanted: CallKind): number {
  const near = runs.flatMap((run) => run.slice(step - NEIGHBOURS, step + NEIGHBOURS));
  return median(near.filter(({ kind }) => kind === wanted).map(({ ms }) => ms));
}
