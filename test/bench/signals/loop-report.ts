import { pairFigures } from "./metrics.ts";
import { cline, geminiCli, openHands } from "./published-detectors.ts";
import type { LoopReplay } from "./replay-loops.ts";
import { byDataset } from "./report.ts";
import { table } from "./table.ts";
import type { RecordedTurn } from "./turns.ts";

/** A recorded run with what loop detection made of it. */
export interface LoopRow {
  run: {
    dataset: string;
    agent: string;
    failed: boolean;
    repetition: readonly [number, number][];
    judgedPairs: number;
  };
  turns: readonly RecordedTurn[];
  replay: LoopReplay;
}

type Detector = {
  name: string;
  detects: (row: LoopRow) => boolean;
  pairs: (row: LoopRow) => readonly [number, number][];
};

const rungs = ["none", "steer", "block", "stop"];

const detectors: readonly Detector[] = [
  {
    name: "Evenkeel (steered)",
    detects: (row) => reached(row, "steer"),
    pairs: (row) => row.replay.pairs,
  },
  ...[openHands, geminiCli, cline].map(({ name, detects, pairs }): Detector => ({
    name,
    detects: (row) => detects(row.turns),
    pairs: (row) => pairs(row.turns),
  })),
];

/** Precision and recall on the pairs of steps that people judged, per agent and in total. */
export function pairTable(rows: readonly LoopRow[]): string {
  const judged = rows.filter(({ run }) => run.judgedPairs > 0);
  const agents = ["all", ...new Set(judged.map(({ run }) => run.agent))];
  const lines = detectors.flatMap((detector) =>
    agents.map((agent) => {
      const group = judged.filter(({ run }) => agent === "all" || run.agent === agent);
      const figures = pairFigures(
        group.map((row) => ({
          predicted: detector.pairs(row),
          labelled: row.run.repetition,
          judged: row.run.judgedPairs,
        })),
      );
      return [
        `${detector.name}, ${agent}`,
        figures.right,
        figures.wrong,
        figures.missed,
        figures.precision,
        figures.recall,
      ];
    }),
  );
  return table(["repeated pairs", "right", "wrong", "missed", "precision", "recall"], lines);
}

/** Shares of runs called a loop, per data set: of the successful, of the failed, of those with three equal calls and results. */
export function loopTable(rows: readonly LoopRow[]): string {
  const lines = byDataset(rows).flatMap(([dataset, group]) =>
    [...detectors, ...rungDetectors()].map((detector) => {
      const good = group.filter(({ run }) => !run.failed);
      const bad = group.filter(({ run }) => run.failed);
      const threefold = group.filter(({ turns }) => mostEqualSteps(turns) >= 3);
      return [
        `${dataset}: ${detector.name}`,
        share(good, detector.detects),
        share(bad, detector.detects),
        threefold.length,
        share(threefold, detector.detects),
      ];
    }),
  );
  return table(["loops", "of successful", "of failed", "threefold runs", "of those"], lines);
}

function rungDetectors(): Detector[] {
  return [
    { name: "Evenkeel (noticed)", detects: (row) => row.replay.noticed, pairs: () => [] },
    { name: "Evenkeel (blocked)", detects: (row) => reached(row, "block"), pairs: () => [] },
    { name: "Evenkeel (stopped)", detects: (row) => reached(row, "stop"), pairs: () => [] },
  ];
}

function reached({ replay }: LoopRow, rung: string): boolean {
  return rungs.indexOf(replay.action) >= rungs.indexOf(rung);
}

function share<Row>(rows: readonly Row[], test: (row: Row) => boolean): number {
  return rows.filter(test).length / rows.length;
}

function mostEqualSteps(turns: readonly RecordedTurn[]): number {
  const counts = new Map<string, number>();
  for (const call of turns.flatMap((turn) => turn.calls)) {
    if (call.result === undefined) continue;
    const key = JSON.stringify([call.tool, call.arguments, call.result]);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values());
}
