import { baselineEntry } from "../../../packages/run-flags/src/baseline.ts";
import { isCleanRun } from "../../../packages/run-flags/src/clean-run.ts";
import { type Judgement, judge } from "../../../packages/run-flags/src/judge.ts";
import { recordRun } from "../../../packages/run-flags/src/record-run.ts";
import type { RunReport } from "../../../packages/run-flags/src/run-report.ts";
import { type CorpusRun, corpusFiles, readRuns } from "./corpus.ts";
import { factsOf } from "./facts-of.ts";
import { type Sibling, siblingBaselines } from "./sibling-baseline.ts";

/** Which siblings stand as good runs: those without a sign of their own, those labelled successful, or all. */
export type GoodRuns = "clean" | "labelled" | "all";

/** A labelled run with its record and what the rules make of it without a baseline. */
export interface RecordedRun {
  id: string;
  dataset: string;
  task: string;
  agent: string;
  failed: boolean;
  record: RunReport;
  alone: Judgement;
}

/** Reads a corpus directory and records every run; `wanted` names the data sets, all by default. */
export async function recordCorpus(
  directory: string,
  wanted?: readonly string[],
): Promise<RecordedRun[]> {
  const runs: RecordedRun[] = [];
  for (const file of await corpusFiles(directory)) {
    for await (const run of readRuns(file)) {
      if (wanted === undefined || wanted.includes(run.dataset)) runs.push(recordedRun(run));
    }
  }
  return runs;
}

/** Judges every run against the baseline of its siblings; those without enough history stay alone. */
export function judgeCompared(
  runs: readonly RecordedRun[],
  goodRuns: GoodRuns = "clean",
): (Judgement | undefined)[] {
  const siblings = runs.map((run): Sibling => ({
    dataset: run.dataset,
    task: run.task,
    agent: run.agent,
    entry: baselineEntry(run.record),
    good: isGood(run, goodRuns),
  }));
  const baselineOf = siblingBaselines(siblings);
  return runs.map((run, index) => {
    const sibling = siblings[index];
    const baseline = sibling === undefined ? undefined : baselineOf(sibling);
    return baseline === undefined ? undefined : judge(run.record, baseline);
  });
}

function isGood(run: RecordedRun, goodRuns: GoodRuns): boolean {
  if (goodRuns === "all") return true;
  return goodRuns === "labelled" ? !run.failed : isCleanRun(run.record, run.alone);
}

/** Records one run and judges it on its own. */
export function recordedRun(run: CorpusRun): RecordedRun {
  const record = recordRun(factsOf(run));
  return {
    id: run.id,
    dataset: run.dataset,
    task: run.task,
    agent: run.agent,
    failed: !run.label.success,
    record,
    alone: judge(record, undefined),
  };
}
