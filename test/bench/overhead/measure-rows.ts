import type { PairedTimes } from "../measure/interleaved-pairs.ts";
import type { BenchOptions } from "./bench-options.ts";
import type { BenchWorld } from "./bench-world.ts";
import type { BenchCase } from "./cases.ts";
import type { ExactCounts } from "./exact-counts.ts";
import type { GuardTime } from "./guard-time.ts";
import { measurePair } from "./measure-pair.ts";
import type { ModelTask } from "./scripted-reply.ts";

/** One row of the table, for one number of tool calls and one think time of the model. */
export interface BenchRow {
  readonly case: BenchCase;
  readonly calls: number;
  readonly thinkMs: number;
  readonly reference: ExactCounts;
  readonly counts: ExactCounts;
  readonly times: PairedTimes;
  /** Undefined where there is nothing around a call to compare. */
  readonly guard: GuardTime | undefined;
}

/** Measures every row, one after the other on one database and one endpoint. */
export async function measureRows(
  world: BenchWorld,
  cases: readonly BenchCase[],
  options: BenchOptions,
  progress: (text: string) => void,
): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const { benchCase, task } of plannedRows(cases, options)) {
    const { toolCalls, thinkMs } = task;
    progress(`${benchCase.title}, ${toolCalls} tool calls, the model thinks ${thinkMs} ms`);
    rows.push(await measureRow(world, benchCase, task, options));
  }
  return rows;
}

interface PlannedRow {
  readonly benchCase: BenchCase;
  readonly task: ModelTask;
}

/** Every case where the model answers at once; where it thinks, the shortest runs of ours and the bare ones. */
function plannedRows(
  cases: readonly BenchCase[],
  { calls, thinkMs }: Pick<BenchOptions, "calls" | "thinkMs">,
): PlannedRow[] {
  const fewest = Math.min(...calls);
  const judged = cases.filter(({ kind }) => kind === "bare" || kind === "evenkeel");
  return thinkMs.flatMap((think) =>
    (think === 0 ? calls : [fewest]).flatMap((toolCalls) =>
      (think === 0 ? cases : judged).map((benchCase) => ({
        benchCase,
        task: { toolCalls, thinkMs: think },
      })),
    ),
  );
}

async function measureRow(
  world: BenchWorld,
  benchCase: BenchCase,
  task: ModelTask,
  { pairs }: Pick<BenchOptions, "pairs">,
): Promise<BenchRow> {
  const { guard, ...measured } = await measurePair(world, benchCase, task, pairs);
  const { toolCalls: calls, thinkMs } = task;
  return {
    case: benchCase,
    calls,
    thinkMs,
    ...measured,
    guard: benchCase.kind === "durability" ? undefined : guard,
  };
}
