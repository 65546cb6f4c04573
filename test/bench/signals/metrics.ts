/** A scored run: how suspicious it looked, whether it failed, and which task it tried. */
export interface Scored {
  score: number;
  failed: boolean;
  task: string;
}

/** How a yes-or-no rule did. */
export interface RuleFigures {
  fired: number;
  precision: number;
  recall: number;
  /** Share of the successful runs it fired on. */
  falsePositiveRate: number;
  /** Precision over base rate; 1 is chance. */
  lift: number;
}

/**
 * The chance that a failed run scores above a successful one, ties counted half; `NaN` where one of
 * the two is missing.
 */
export function pooledAuc(runs: readonly Scored[]): number {
  const sorted = runs.toSorted((one, other) => one.score - other.score);
  let rankSum = 0;
  for (let from = 0; from < sorted.length;) {
    let to = from;
    while (to < sorted.length && sorted[to]?.score === sorted[from]?.score) to += 1;
    const rank = (from + 1 + to) / 2;
    for (let index = from; index < to; index += 1) if (sorted[index]?.failed) rankSum += rank;
    from = to;
  }
  const failed = runs.filter((run) => run.failed).length;
  const succeeded = runs.length - failed;
  return (rankSum - (failed * (failed + 1)) / 2) / (failed * succeeded);
}

/** The same over pairs of runs that tried the same task: difficulty, which the user knows, drops out. */
export function withinTaskAuc(runs: readonly Scored[]): number {
  const tasks = new Map<string, Scored[]>();
  for (const run of runs) tasks.set(run.task, [...(tasks.get(run.task) ?? []), run]);
  let won = 0;
  let pairs = 0;
  for (const group of tasks.values()) {
    const failed = group.filter((run) => run.failed).length;
    const count = failed * (group.length - failed);
    if (count === 0) continue;
    won += pooledAuc(group) * count;
    pairs += count;
  }
  return won / pairs;
}

/** Counts how a rule did on labelled runs. */
export function ruleFigures(runs: readonly { fired: boolean; failed: boolean }[]): RuleFigures {
  const failed = runs.filter((run) => run.failed).length;
  const fired = runs.filter((run) => run.fired).length;
  const right = runs.filter((run) => run.fired && run.failed).length;
  const precision = right / fired;
  return {
    fired,
    precision,
    recall: right / failed,
    falsePositiveRate: (fired - right) / (runs.length - failed),
    lift: precision / (failed / runs.length),
  };
}

/** Counts hits and misses of predicted pairs against labelled ones. */
export function pairFigures(
  runs: readonly {
    predicted: readonly [number, number][];
    labelled: readonly [number, number][];
    judged: number;
  }[],
): { right: number; wrong: number; missed: number; precision: number; recall: number } {
  let right = 0;
  let wrong = 0;
  let missed = 0;
  for (const { predicted, labelled, judged } of runs) {
    const truth = new Set(labelled.map(([, second]) => second));
    const said = new Set(
      predicted
        .filter(([first, second]) => second === first + 1 && second <= judged)
        .map(([, second]) => second),
    );
    for (const second of said)
      if (truth.has(second)) right += 1;
      else wrong += 1;
    for (const second of truth) if (!said.has(second)) missed += 1;
  }
  return {
    right,
    wrong,
    missed,
    precision: right / (right + wrong),
    recall: right / (right + missed),
  };
}
