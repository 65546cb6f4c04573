/** Environment variable that holds the job of a child of `expectSurvives()`. */
export const SURVIVAL_JOB = "EVENKEEL_SURVIVAL_JOB";

/** How long a graph's run may take, which configuration it has, what people answer it. */
export interface RunSettings {
  readonly configurable?: Readonly<Record<string, unknown>>;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly durability?: "sync" | "async" | "exit";
  readonly recursionLimit?: number;
}

/** An answer to `interrupt()`, by what was asked. */
export interface Answer {
  /** Undefined before the uncrashed run has shown what is asked. */
  readonly asked?: string;
  readonly answer: unknown;
}

/** What one child process is to do. */
export interface SurvivalJob {
  /** `start` gives the input; `resume` goes on from what the process before it has left. */
  readonly act: "start" | "resume";
  readonly exportName: string | undefined;
  readonly input: unknown;
  readonly thread: string;
  readonly settings: RunSettings;
  readonly answers: readonly Answer[];
  readonly database: { readonly url: string; readonly schema: string } | undefined;
  /** Leaves the graph the checkpointer it was compiled with. */
  readonly ownCheckpointer: boolean;
}

/** What a child tells: once before its first step, after every call of a tool, and at its end. */
export interface SurvivalReport {
  /** Calls of tools, as `name(arguments)`, and how often each has begun. */
  readonly toolRuns: Readonly<Record<string, number>>;
  /** Every boundary, in the order in which it was reached. */
  readonly boundaries: readonly string[];
  /** Questions of `interrupt()`, in order. */
  readonly asked: readonly string[];
  /** What the thread came to; undefined until then. */
  readonly state?: unknown;
  /** What the run threw. */
  readonly failed?: string;
}
