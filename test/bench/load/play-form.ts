import type { BenchDatabase } from "../overhead/bench-database.ts";
import { type LoadFigures, figuresOf } from "./figures.ts";
import type { TurnReport } from "./load-job.ts";
import { startWorkers } from "./load-workers.ts";

/** A way to spread the same load over processes. */
export interface LoadForm {
  readonly title: string;
  readonly processes: number;
  /** Runs at a time in each process. */
  readonly lanes: number;
  /** Connections of each process. */
  readonly poolSize: number;
}

/** What came of one form. */
export interface FormReport extends LoadForm, LoadFigures {
  readonly seconds: number;
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
