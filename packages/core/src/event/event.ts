/** How grave an event is; `critical` needs a person. */
export type Severity = "info" | "low" | "medium" | "high" | "critical";

/** Where a run takes place; baselines and budgets never mix the three. */
export type RunMode = "live" | "replay" | "eval";

/** Every event name of Evenkeel, in one vocabulary; a package adds its own as `custom-…` names. */
export type EvenkeelEventName =
  | "execution-started"
  | "execution-resumed"
  | "execution-completed"
  | "execution-interrupted"
  | "execution-failed"
  | "execution-superseded"
  | "execution-upgraded"
  | "attempt-started"
  | "attempt-failed"
  | "config-frozen"
  | "config-drifted"
  | "effect-reused"
  | "effect-unknown"
  | "effect-replanned"
  | "result-offloaded"
  | "loop-detected"
  | "budget-warned"
  | "budget-exhausted"
  | "breaker-opened"
  | "breaker-closed"
  | "run-flagged"
  | "call-not-wrapped"
  | "tool-changed"
  | "tool-vanished"
  | "revoked"
  | "middleware-warning"
  | "would-have-acted"
  | `custom-${string}`;

/** One thing that happened in an execution, as it goes to streams, listeners, traces and records. */
export interface EvenkeelEvent {
  /** Version of this shape. */
  v: 1;
  name: EvenkeelEventName;
  executionId: string;
  /** 1-based and gap-free per execution, across attempts and processes. */
  sequence: number;
  threadId: string | null;
  /** 1-based number of the try at this execution. */
  attempt: number;
  node: string | null;
  /** The tool call or model call it concerns. */
  callId: string | null;
  /** ISO 8601, UTC. */
  at: string;
  severity: Severity;
  mode: RunMode;
  /** The middleware that reports it. */
  by: string;
  /** The class of failure, where it reports one. */
  failure?: string;
  /** JSON facts, already redacted: hashes, ids, counts; never bodies of prompts or results. */
  detail: Readonly<Record<string, unknown>>;
}
