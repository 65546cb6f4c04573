import { median } from "../measure/statistics.ts";
import type { LoadSide, TurnReport } from "./load-job.ts";
import { slopeOf } from "./slope.ts";

/** What one side did, all its turns taken together. */
interface SideTotals {
  readonly finished: number;
  readonly failures: readonly string[];
  readonly runsPerSecond: number;
  readonly medianRunMs: number;
  readonly slowestTwentiethMs: number;
}

/** Both sides, one against the other, and the heap they left. */
export interface LoadFigures {
  readonly bare: SideTotals;
  readonly allOn: SideTotals;
  /** Throughput with everything on over the bare graph's: median over neighbouring turns. */
  readonly throughputRatio: number;
  readonly ratios: readonly number[];
  /** Heap of one process after a garbage collection, turn by turn, the mean of all processes. */
  readonly heap: readonly {
    readonly side: LoadSide;
    readonly runs: number;
    readonly bytes: number;
  }[];
  /** Bytes the heap grew by for each run, by least squares over all turns of the second half. */
  readonly heapBytesPerRun: number;
}

/** Takes the turns of all processes together; of the turns that warm up only the errors count. */
export function figuresOf(
  turns: readonly (readonly TurnReport[])[],
  warm: readonly TurnReport[],
): LoadFigures {
  const side = (wanted: LoadSide): SideTotals =>
    totalsOf(
      turns.filter(([first]) => first?.side === wanted),
      warm.filter((report) => report.side === wanted),
    );
  const ratios: number[] = [];
  for (let index = 0; index + 1 < turns.length; index += 2) {
    const [one, other] = [turns[index] ?? [], turns[index + 1] ?? []];
    const [bare, allOn] = one[0]?.side === "bare" ? [one, other] : [other, one];
    ratios.push(throughput(allOn) / throughput(bare));
  }
  let runs = 0;
  const heap = turns.map((reports) => {
    runs += reports.reduce((all, { finished }) => all + finished, 0) / reports.length;
    const bytes = reports.reduce((all, { heapBytes }) => all + heapBytes, 0) / reports.length;
    return { side: reports[0]?.side ?? "bare", runs: Math.round(runs), bytes: Math.round(bytes) };
  });
  const settled = heap.slice(Math.floor(heap.length / 2));
  return {
    bare: side("bare"),
    allOn: side("all on"),
    throughputRatio: median(ratios),
    ratios,
    heap,
    heapBytesPerRun: slopeOf(settled.map(({ runs: x, bytes: y }) => ({ x, y }))),
  };
}

function totalsOf(
  turns: readonly (readonly TurnReport[])[],
  warm: readonly TurnReport[],
): SideTotals {
  const reports = turns.flat();
  const runMs = reports.flatMap((report) => report.runMs).toSorted((one, other) => one - other);
  const rates = turns.map(throughput);
  return {
    finished: runMs.length,
    failures: [...warm, ...reports].flatMap(({ failures }) => failures),
    runsPerSecond: median(rates),
    medianRunMs: median(runMs),
    slowestTwentiethMs: runMs[Math.floor(runMs.length * 0.95)] ?? Number.NaN,
  };
}

/** Runs a second of all processes together, each by its own clock. */
function throughput(reports: readonly TurnReport[]): number {
  return reports.reduce((all, { finished, tookMs }) => all + (1_000 * finished) / tookMs, 0);
}
