import { median } from "../measure/statistics.ts";
import type { BenchDatabase } from "../overhead/bench-database.ts";
import type { LoadSide, TurnReport } from "./load-job.ts";
import { startWorkers } from "./load-workers.ts";
import { slopeOf } from "./slope.ts";

/** A way to spread the same load over processes. */
export interface LoadForm {
  readonly title: string;
  readonly processes: number;
  /** Runs at a time in each process. */
  readonly lanes: number;
  /** Connections of each process. */
  readonly poolSize: number;
}

/** What one side did, all its turns taken together. */
interface SideTotals {
  readonly finished: number;
  readonly failures: readonly string[];
  readonly runsPerSecond: number;
  readonly medianRunMs: number;
  readonly slowestTwentiethMs: number;
}

/** What came of one form. */
export interface FormReport extends LoadForm {
  readonly seconds: number;
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

/** What the forms run on. */
export interface LoadPlace {
  readonly database: BenchDatabase;
  readonly model: string;
  readonly thinkMs: number;
  readonly toolCalls: number;
  readonly say: (text: string) => void;
}

const BLOCK = ["bare", "all on", "all on", "bare"] as const;
// Several times as long as a run takes where processors are short, as the last runs end alone.
const TURN_SECONDS = 15;

/** Plays bare and all on in turns (bare, on, on, bare, and so on) until the time is over. */
export async function playForm(
  { database, model, thinkMs, toolCalls, say }: LoadPlace,
  form: LoadForm,
  seconds: number,
): Promise<FormReport> {
  const { lanes, poolSize, processes } = form;
  const job = { database: database.connectionString, model, thinkMs, toolCalls, lanes, poolSize };
  const workers = await startWorkers(processes, job);
  const turns: TurnReport[][] = [];
  // A try is one turn each.
  const order =
    seconds < BLOCK.length * TURN_SECONDS
      ? BLOCK.slice(0, 2)
      : Array.from(
          { length: Math.round(seconds / (BLOCK.length * TURN_SECONDS)) },
          () => BLOCK,
        ).flat();
  const forMs = (seconds * 1_000) / order.length;
  try {
    // What is compiled and connected once is no part of the load, but an error in it counts.
    const warm = [
      await workers.play({ side: "bare", forMs: 1_000 }),
      await workers.play({ side: "all on", forMs: 1_000 }),
    ];
    for (const side of order) {
      await database.clear();
      const reports = await workers.play({ side, forMs });
      turns.push(reports);
      const finished = reports.reduce((all, report) => all + report.finished, 0);
      say(`${form.title}, turn ${turns.length} of ${order.length}, ${side}: ${finished} runs`);
    }
    return { ...form, seconds, ...figuresOf(turns, warm.flat()) };
  } finally {
    await workers.stop();
  }
}

function figuresOf(
  turns: readonly (readonly TurnReport[])[],
  warm: readonly TurnReport[],
): Omit<FormReport, keyof LoadForm | "seconds"> {
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
