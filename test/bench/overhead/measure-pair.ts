import { type PairedTimes, timePairs } from "../measure/interleaved-pairs.ts";
import { runOnce } from "./bench-run.ts";
import type { BenchWorld } from "./bench-world.ts";
import type { CaseSide } from "./cases.ts";
import { type ExactCounts, countRun } from "./exact-counts.ts";
import { type GuardTime, guardOf, measureNodes } from "./guard-time.ts";
import type { ModelTask } from "./scripted-reply.ts";

/** What a variant and its reference leave behind and take. */
export interface MeasuredPair {
  readonly reference: ExactCounts;
  readonly counts: ExactCounts;
  readonly times: PairedTimes;
  readonly guard: GuardTime;
}

/** Counts both sides of a row, then times them in interleaved pairs, on tables that are emptied in between. */
export async function measurePair(
  world: BenchWorld,
  { reference, variant }: { readonly reference: CaseSide; readonly variant: CaseSide },
  task: ModelTask,
  pairs: number,
): Promise<MeasuredPair> {
  const { database } = world;
  await database.clear();
  const counts = {
    reference: await countRun(world, reference, task),
    counts: await countRun(world, variant, task),
  };
  const bare = measureNodes(world.build(reference, task));
  const other = measureNodes(world.build(variant, task));
  const times = await timePairs({
    reference: () => runOnce(bare, reference),
    variant: () => runOnce(other, variant),
    pairs,
    betweenBatches: () => database.clear(),
    onWarm: () => {
      bare.times.length = 0;
      other.times.length = 0;
    },
  });
  return { ...counts, times, guard: guardOf(bare, other) };
}
