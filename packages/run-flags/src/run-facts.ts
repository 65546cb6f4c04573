/** How an execution ended. */
export type RunOutcome = "completed" | "interrupted" | "failed" | "aborted" | "superseded" | "died";

/** One tool call with the answer it got, as a run record needs it. */
export interface RunCall {
  tool: string;
  arguments: unknown;
  /** The answer's text; absent where none came. */
  result?: string;
  failed?: boolean;
  /** False when the model named a tool that does not exist. @default true */
  known?: boolean;
  /** False when the arguments did not fit the tool's schema. @default true */
  valid?: boolean;
}

/** One reply of the model and what its calls returned. */
export interface RunTurn {
  text: string;
  calls: readonly RunCall[];
  /** Index of the reply in the message list, where there is one. */
  message?: number;
  tokens?: { input: number; output: number };
  /** Its provider ended the reply: at the limit on output tokens, or by a content filter. */
  cutShort?: "length" | "filter";
}

/** What the user said, and after how many turns. */
interface RunRequest {
  text: string;
  beforeTurn: number;
}

/** Everything a run record is made from, handed over when an execution ends. */
export interface RunFacts {
  executionId: string;
  threadId?: string;
  /** The tenant prefix that baselines must not cross. */
  scope?: string;
  graph?: string;
  manifestHash?: string;
  mode?: "live" | "replay" | "eval";
  outcome: RunOutcome;
  startedAt: string;
  endedAt: string;
  requests: readonly RunRequest[];
  /** User messages of the thread before these: how far a conversation has come. */
  earlierRequests?: number;
  turns: readonly RunTurn[];
  /** Turns of attempts that were begun again: nothing is held against the run for them. */
  undone?: readonly RunTurn[];
  /** Names of the tools the model could call. */
  offered?: readonly string[];
  tokens?: { input: number; output: number };
  costUsd?: number;
  attempts?: number;
  /** How often the execution was taken up again after its process died. */
  resumes?: number;
  /** The heaviest loop seen and from which call on. */
  loop?: { kind: string; rounds: number; action: string; step: number };
  /** How often what other middleware reported came, by the event's name. */
  events?: Readonly<Record<string, number>>;
  offloads?: number;
  effects?: number;
  /** Tools whose effect is of unknown fate. */
  unknownEffects?: readonly string[];
  /** What a circuit breaker was opened for. */
  breakers?: readonly string[];
  /** The nearest budget's spent share, 0 to 1. */
  budgetSpent?: number;
  /** Which budget that is. */
  budget?: string;
  /** Configuration fields that drifted. */
  drift?: readonly string[];
  /** What ended the execution, where an error did. */
  error?: { code: string; message: string; failureClass?: string };
}
