import { baselineEntry } from "../../../packages/run-flags/src/baseline.ts";
import { type Judgement, judge } from "../../../packages/run-flags/src/judge.ts";
import type { PlayedRun } from "./played-runs.ts";
import { type Sibling, siblingBaselines } from "./sibling-baseline.ts";

/** Which siblings stand as good runs: those without a sign of their own, those labelled successful, or all. */
type GoodRuns = "clean" | "labelled" | "all";

/**
 * Judges the records of runs that were played against several choices of good siblings, for
 * calibration; those without enough history stay alone.
 */
export function judgeCompared(
  runs: readonly PlayedRun[],
  goodRuns: GoodRuns = "clean",
): (Judgement | undefined)[] {
  const siblings = runs.map(({ dataset, task, agent, kept, failed }): Sibling => ({
    dataset,
    task,
    agent,
    entry: baselineEntry(kept.report),
    good: goodRuns === "all" || (goodRuns === "labelled" ? !failed : kept.clean),
  }));
  const baselineOf = siblingBaselines(siblings);
  return runs.map(({ kept }, index) => {
    const sibling = siblings[index];
    const baseline = sibling === undefined ? undefined : baselineOf(sibling);
    return baseline === undefined ? undefined : judge(kept.report, baseline);
  });
}
