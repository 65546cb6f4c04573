/* Learns the weights of the score from a corpus: tsx calibrate.ts DIR; prints cross-validated figures and the table. */
import type { Judgement } from "../../../packages/run-flags/src/judge.ts";
import { type FitRow, fitWeights } from "./fit.ts";
import { judgeCompared } from "./judged-runs.ts";
import { pooledAuc, ruleFigures, withinTaskAuc } from "./metrics.ts";
import { type PlayedRun, playCorpus } from "./played-runs.ts";

/** Data sets whose labels do not follow from a run's length, and that have both outcomes. */
const learnFrom = ["agentdojo", "mini-swe", "tau-airline"];
const folds = 10;

interface Row extends FitRow {
  task: string;
  agent: string;
}

function rowOf(run: PlayedRun, judgement: Judgement | undefined): Row | undefined {
  if (judgement === undefined) return undefined;
  return {
    strengths: Object.fromEntries(judgement.flags.map((flag) => [flag.rule, flag.strength])),
    outcome: run.failed ? 1 : 0,
    dataset: run.dataset,
    task: `${run.dataset}/${run.task}`,
    agent: run.agent,
  };
}

function sumOf(row: Row, weights: Record<string, number>): number {
  return Object.entries(row.strengths).reduce(
    (sum, [rule, strength]) => sum + (weights[rule] ?? 0) * strength,
    0,
  );
}

function crossValidate(rows: readonly Row[], group: (row: Row) => string): number[] {
  const groups = [...new Set(rows.map(group))].toSorted();
  const foldOf = new Map(groups.map((name, index) => [name, index % folds]));
  const sums = rows.map(() => 0);
  for (let fold = 0; fold < folds; fold += 1) {
    const { weights } = fitWeights(rows.filter((row) => foldOf.get(group(row)) !== fold));
    for (const [index, row] of rows.entries()) {
      if (foldOf.get(group(row)) === fold) sums[index] = sumOf(row, weights);
    }
  }
  return sums;
}

function show(title: string, rows: readonly Row[]): void {
  for (const [by, group] of [
    ["task", (row: Row) => row.task],
    ["agent", (row: Row) => row.agent],
  ] as const) {
    const sums = crossValidate(rows, group);
    for (const dataset of learnFrom) {
      const scored = rows.flatMap((row, index) =>
        row.dataset === dataset
          ? [{ score: sums[index] ?? 0, failed: row.outcome === 1, task: row.task }]
          : [],
      );
      const auc = `AUC ${pooledAuc(scored).toFixed(3)} within task ${withinTaskAuc(scored).toFixed(3)}`;
      console.log(`${title}, held out by ${by}, ${dataset}: ${auc}`);
      if (by !== "task") continue;
      for (const threshold of [2, 2.5, 3, 3.5, 4]) {
        const figures = ruleFigures(
          scored.map(({ score, failed }) => ({ fired: score >= threshold, failed })),
        );
        console.log(
          `    sum ≥ ${threshold}: ${figures.fired} flagged, precision ${figures.precision.toFixed(3)}, recall ${figures.recall.toFixed(3)}, of the successful ${figures.falsePositiveRate.toFixed(3)}`,
        );
      }
    }
  }
  const { weights, bases } = fitWeights(rows);
  const rounded = Object.entries(weights).map(([rule, weight]) => [
    rule,
    Math.round(weight * 10) / 10,
  ]);
  console.log(title, JSON.stringify(Object.fromEntries(rounded)), JSON.stringify(bases));
}

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error("Name the corpus directory: tsx calibrate.ts DIR");
const sets = await playCorpus(directory, undefined, learnFrom);
const runs = sets.flatMap((set) => set.runs);
show(
  "alone",
  runs.flatMap((run) => rowOf(run, run.alone) ?? []),
);
for (const goodRuns of ["clean", "labelled", "all"] as const) {
  const compared = judgeCompared(runs, goodRuns);
  show(
    `compared (${goodRuns})`,
    runs.flatMap((run, index) => rowOf(run, compared[index]) ?? []),
  );
}
