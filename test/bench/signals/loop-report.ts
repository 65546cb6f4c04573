import { pairFigures } from "./metrics.ts";
import type { PlayedRun } from "./played-runs.ts";
import { cline, equalNeighbours, geminiCli, openHands, stepsOf } from "./published-detectors.ts";
import { byDataset } from "./report.ts";
import { reached } from "./seen-loops.ts";
import { table } from "./table.ts";
import type { RecordedTurn } from "./turns.ts";

interface Detector {
  name: string;
  detects: (run: PlayedRun) => boolean;
  pairs: (run: PlayedRun) => readonly [number, number][];
}

const evenkeel: Detector = {
  name: "Evenkeel",
  detects: ({ loops }) => reached(loops, "steer"),
  pairs: ({ loops }) => loops.pairs,
};

const published = [openHands, geminiCli, cline].map(({ name, detects, pairs }): Detector => ({
  name,
  detects: (run) => detects(turnsIn(run)),
  pairs: (run) => pairs(turnsIn(run)),
}));

const trivial: Detector = {
  name: "identical to the call before",
  detects: () => false,
  pairs: (run) => equalNeighbours(stepsOf(turnsIn(run)), (one, other) => one.call === other.call),
};

/** What is done about a run, from the mere report of three equal calls and results on. */
const rungs: readonly [name: string, holds: (run: PlayedRun) => boolean][] = [
  ["noticed", ({ loops }) => loops.noticed],
  ["steered", ({ loops }) => reached(loops, "steer")],
  ["blocked", ({ loops }) => reached(loops, "block")],
  ["stopped", ({ loops }) => reached(loops, "stop")],
];

/** Precision and recall of a detector on the pairs of calls that people judged. */
export function pairsJudged(
  runs: readonly PlayedRun[],
  pairs: Detector["pairs"] = evenkeel.pairs,
): ReturnType<typeof pairFigures> {
  return pairFigures(
    runs.map((run) => ({
      predicted: pairs(run),
      labelled: run.repetition,
      judged: run.judgedPairs,
    })),
  );
}

/** Precision and recall on the judged pairs, per agent and in total. */
export function pairTable(runs: readonly PlayedRun[]): string {
  const judged = runs.filter(({ judgedPairs }) => judgedPairs > 0);
  const agents = ["all", ...new Set(judged.map(({ agent }) => agent))];
  const lines = [evenkeel, trivial, ...published].flatMap((detector) =>
    agents.map((agent) => {
      const group = judged.filter((run) => agent === "all" || run.agent === agent);
      const { right, wrong, missed, precision, recall } = pairsJudged(group, detector.pairs);
      return [`${detector.name}, ${agent}`, right, wrong, missed, precision, recall];
    }),
  );
  return table(["repeated pairs", "right", "wrong", "missed", "precision", "recall"], lines);
}

/**
 * Shares of runs, per data set: of the successful, of the failed, and of those with three equal calls
 * and results anywhere. Noticed is what is reported and counted; steered, blocked and stopped what is
 * done about it.
 */
export function loopTable(runs: readonly PlayedRun[]): string {
  const lines = byDataset(runs.map((run) => ({ run }))).flatMap(([dataset, rows]) => {
    const group = rows.map(({ run }) => run);
    const line = (name: string, holds: (run: PlayedRun) => boolean): (string | number)[] => {
      const threefold = group.filter(isThreefold);
      return [
        `${dataset}: ${name}`,
        shareOf(
          group.filter(({ failed }) => !failed),
          holds,
        ),
        shareOf(
          group.filter(({ failed }) => failed),
          holds,
        ),
        threefold.length,
        shareOf(threefold, holds),
      ];
    };
    return [
      ...rungs.map(([name, holds]) => line(`Evenkeel ${name}`, holds)),
      ...published.map(({ name, detects }) => line(name, detects)),
    ];
  });
  return table(["loops", "of successful", "of failed", "threefold runs", "of those"], lines);
}

/** Share of the runs of which something holds; `NaN` of none. */
export function shareOf<Row>(rows: readonly Row[], holds: (row: Row) => boolean): number {
  return rows.filter(holds).length / rows.length;
}

/** True for a run with three calls of one tool, arguments and result, whatever lies between them. */
export function isThreefold(run: PlayedRun): boolean {
  const counts = new Map<string, number>();
  for (const call of turnsIn(run).flatMap((turn) => turn.calls)) {
    if (call.result === undefined) continue;
    const key = JSON.stringify([call.tool, call.arguments, call.result]);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values()) >= 3;
}

function turnsIn({ recording }: PlayedRun): RecordedTurn[] {
  return recording.steps.map(({ turn }) => turn);
}
