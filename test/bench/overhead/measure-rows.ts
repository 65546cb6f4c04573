import { type PairedTimes, timePairs } from "../measure/interleaved-pairs.ts";
import type { BenchDatabase } from "./bench-database.ts";
import type { BenchOptions } from "./bench-options.ts";
import { runOnce } from "./bench-run.ts";
import type { BenchCase } from "./cases.ts";
import { type ExactCounts, countRun } from "./exact-counts.ts";
import { type GuardTime, measureGuard } from "./guard-time.ts";

/** One row of the table, for one number of tool calls. */
export interface BenchRow {
  readonly case: BenchCase;
  readonly calls: number;
  readonly reference: ExactCounts;
  readonly counts: ExactCounts;
  readonly times: PairedTimes;
  /** Undefined where there is nothing around a call to compare. */
  readonly guard: GuardTime | undefined;
}

/** Measures every row for every number of calls, one after the other on one database. */
export async function measureRows(
  database: BenchDatabase,
  cases: readonly BenchCase[],
  options: BenchOptions,
  progress: (text: string) => void,
): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const calls of options.calls) {
    for (const benchCase of cases) {
      progress(`${benchCase.title}, ${calls} tool calls`);
      rows.push(await measureRow(database, benchCase, calls, options.pairs));
    }
  }
  return rows;
}

async function measureRow(
  database: BenchDatabase,
  benchCase: BenchCase,
  calls: number,
  pairs: number,
): Promise<BenchRow> {
  const { reference, variant, kind } = benchCase;
  const options = { toolCalls: calls, checkpointer: database.checkpointer };
  await database.clear();
  const counts = {
    reference: await countRun(database, reference, calls),
    counts: await countRun(database, variant, calls),
  };
  const bare = reference.build(options);
  const other = variant.build(options);
  const times = await timePairs({
    reference: () => runOnce(bare, reference),
    variant: () => runOnce(other, variant),
    pairs,
    betweenBatches: () => database.clear(),
  });
  await database.clear();
  const guard = kind === "durability" ? undefined : await measureGuard(database, benchCase, calls);
  return { case: benchCase, calls, ...counts, times, guard };
}
