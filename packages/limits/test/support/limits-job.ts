import type { Shape } from "./agent.ts";

/** What a child process of the crash tests is to do. */
export interface LimitsJob {
  readonly shape: Shape | "subgraph";
  readonly thread: string;
  /** Base URL of the model's endpoint. */
  readonly url: string;
  readonly model: string;
  /** Connection URL of the database. */
  readonly database: string;
  /** Schema of the checkpoints; ours has `_evenkeel` behind it. */
  readonly schema: string;
  readonly durability: "sync" | "async";
  /** Options of budgetMiddleware. */
  readonly budget: object;
  /** Options of circuitBreakerMiddleware, which keeps its state in the database. */
  readonly breaker?: object;
  /** Whose calls share a breaker. @default the thread's */
  readonly scope?: string;
  /** How the tool goes: it answers, or fails with a status. */
  readonly tool: "works" | "fails";
  /** Retries of LangChain's toolRetryMiddleware around the tool. @default none */
  readonly toolRetries?: number;
  /** `start` gives the input, `again` a new one on the same thread, `continue` goes on. */
  readonly act: "start" | "again" | "continue";
}

/** What a child process that came to its end reports. */
export interface LimitsReport {
  readonly text: string;
  /** There was nothing to go on from: no checkpoint was durable. */
  readonly lost: boolean;
  /** Tool calls without exactly one answer. */
  readonly dangling: readonly string[];
  /** What is kept of the budget in the newest checkpoint. */
  readonly kept: unknown;
  readonly events: readonly { name: string; detail: unknown }[];
}

/** A model that takes as long as a provider does at its fastest. */
export const SLOW_MODEL = "gpt-5.2-slow";

/** Header that names the thread a request of the model belongs to. */
export const THREAD_HEADER = "x-thread";
