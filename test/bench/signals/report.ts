import type { Judgement } from "../../../packages/run-flags/src/judge.ts";
import { type Scored, pooledAuc, ruleFigures, withinTaskAuc } from "./metrics.ts";
import type { PlayedRun } from "./played-runs.ts";
import { table } from "./table.ts";

/** A run with the judgement that is being reported. */
export interface ReportRow {
  run: PlayedRun;
  judgement: Judgement;
}

/** One line a data set: base rate, ranking, and how the default flags did. */
export function scoreTable(rows: readonly ReportRow[]): string {
  const head = [
    "data set",
    "runs",
    "base rate",
    "AUC",
    "AUC in task",
    "flagged",
    "precision",
    "recall",
    "FPR",
    "lift",
  ];
  return table(
    head,
    byDataset(rows).map(([dataset, group]) => {
      const scored = group.map(({ run, judgement }): Scored => ({
        score: judgement.score,
        failed: run.failed,
        task: `${run.dataset}/${run.task}`,
      }));
      const figures = ruleFigures(
        group.map(({ run, judgement }) => ({ fired: judgement.flagged, failed: run.failed })),
      );
      const baseRate = group.filter(({ run }) => run.failed).length / group.length;
      return [
        dataset,
        group.length,
        baseRate,
        pooledAuc(scored),
        withinTaskAuc(scored),
        figures.fired,
        figures.precision,
        figures.recall,
        figures.falsePositiveRate,
        figures.lift,
      ];
    }),
  );
}

/** One line a rule for one data set: how often it spoke and what it was worth. */
export function ruleTable(rows: readonly ReportRow[]): string {
  const names = [
    ...new Set(rows.flatMap(({ judgement }) => judgement.flags.map(({ rule }) => rule))),
  ].toSorted();
  return table(
    ["rule", "spoke", "precision", "recall", "FPR", "lift", "AUC", "AUC in task"],
    names.map((name) => {
      const strengths = rows.map(
        ({ judgement }) => judgement.flags.find(({ rule }) => rule === name)?.strength ?? 0,
      );
      const scored = rows.map(({ run }, index): Scored => ({
        score: strengths[index] ?? 0,
        failed: run.failed,
        task: run.task,
      }));
      const figures = ruleFigures(
        rows.map(({ run }, index) => ({ fired: (strengths[index] ?? 0) > 0, failed: run.failed })),
      );
      return [
        name,
        figures.fired,
        figures.precision,
        figures.recall,
        figures.falsePositiveRate,
        figures.lift,
        pooledAuc(scored),
        withinTaskAuc(scored),
      ];
    }),
  );
}

/** The rows of each data set, and all of them as `total` where there are several. */
export function byDataset<Row extends { run: { dataset: string } }>(
  rows: readonly Row[],
): [string, Row[]][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows)
    groups.set(row.run.dataset, [...(groups.get(row.run.dataset) ?? []), row]);
  return groups.size > 1 ? [...groups, ["total", [...rows]]] : [...groups];
}
