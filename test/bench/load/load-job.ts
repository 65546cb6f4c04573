/** What a worker process of the load is to do with its life. */
export interface LoadJob {
  readonly database: string;
  /** Base URL of the model's endpoint. */
  readonly model: string;
  readonly thinkMs: number;
  readonly toolCalls: number;
  /** Runs at a time, each on a thread of its own. */
  readonly lanes: number;
  /** Connections to the database. */
  readonly poolSize: number;
}

/** One of the two things that take turns. */
export type LoadSide = "bare" | "all on";

/** Told to a worker: run as fast as it goes for so long, on one side. */
export interface LoadTurn {
  readonly side: LoadSide;
  readonly forMs: number;
}

/** What a worker answers to a turn. */
export interface TurnReport {
  readonly side: LoadSide;
  readonly finished: number;
  /** What went wrong, run by run. */
  readonly failures: readonly string[];
  /** Until the last run that was begun in it had come to its end. */
  readonly tookMs: number;
  /** How long each run took. */
  readonly runMs: readonly number[];
  /** Bytes on the heap after a garbage collection, with no run under way. */
  readonly heapBytes: number;
}
