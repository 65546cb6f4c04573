import {
  type Baseline,
  type BaselineEntry,
  summarizeBaseline,
} from "../../../packages/run-flags/src/baseline.ts";

/** A run as sibling baselines see it. */
export interface Sibling {
  dataset: string;
  task: string;
  agent: string;
  entry: BaselineEntry;
  /** Whether it may stand as an example of a good run. */
  good: boolean;
}

const minRuns = 5;
const lastRuns = 50;

/**
 * Builds each run's baseline from the good ones among its siblings, never from itself: the runs of
 * the same task where there are at least five others, otherwise the same agent's runs of the data set.
 */
export function siblingBaselines(runs: readonly Sibling[]): (run: Sibling) => Baseline | undefined {
  const byTask = groupBy(runs, (run) => `${run.dataset}\n${run.task}`);
  const byAgent = groupBy(runs, (run) => `${run.dataset}\n${run.agent}`);
  return (run) => {
    const task = othersOf(byTask.get(`${run.dataset}\n${run.task}`), run);
    const siblings =
      task.length >= minRuns ? task : othersOf(byAgent.get(`${run.dataset}\n${run.agent}`), run);
    const entries = siblings.filter(({ good }) => good).map(({ entry }) => entry);
    return summarizeBaseline(entries, { minRuns, lastRuns });
  };
}

function othersOf(group: readonly Sibling[] | undefined, run: Sibling): Sibling[] {
  return (group ?? []).filter((other) => other !== run);
}

function groupBy<Item>(items: readonly Item[], key: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}
