import type { Failure, Restart } from "@evenkeel/core";

/** One call of a tool in an attempt, redacted and cut. */
export interface CallRecord {
  readonly id: string;
  readonly tool: string;
  /** Arguments as JSON. */
  readonly args: string;
  /** `"unknown"` where nothing is known of its end: the process died, or the run ended around it. */
  readonly status: "success" | "error" | "unknown";
  readonly result: string;
  /** It has an effect outside the graph that no restart undoes. */
  readonly stands: boolean;
}

/** A call whose effect stands, as the checkpoint keeps it for every attempt to come. */
export interface StandingCall extends CallRecord {
  /** A business key tells it again when it is planned anew. */
  readonly keyed: boolean;
}

/** What is known of a failed attempt: what `render` is given, plain JSON without secrets. */
export interface FailureReport {
  /** The attempt that failed, from 1. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly failure: Failure;
  /** The error's message, or the reason why the answer was rejected; cut. */
  readonly message: string;
  /** Calls of tools, in order. */
  readonly calls: readonly CallRecord[];
  /** Calls that have taken effect, of this attempt and all before it. */
  readonly standing: readonly CallRecord[];
  /** Where the next attempt begins. */
  readonly restart: Restart;
  /** Attempts before this one, a line each. */
  readonly earlier: readonly string[];
  /** Set where the next attempt is the last word: it has no tools. */
  readonly finalAnswer: boolean;
  readonly limits: { readonly maxResultChars: number; readonly maxTokens: number };
}

/** A failed attempt as the checkpoint keeps it: a line for those to come. */
export interface FailedAttempt {
  readonly v: 1;
  readonly attempt: number;
  readonly failureClass: string;
  readonly rule: string;
  readonly message: string;
  readonly calls: number;
  /** The last calls that failed, or the last ones at all, cut to a line. */
  readonly tried: string;
}

/** What the calls of the attempt under way carry, rendered once. */
export interface HeldContext {
  readonly v: 1;
  /** The attempt that carries it. */
  readonly attempt: number;
  readonly text: string;
  readonly exit: "final-answer" | "interrupt" | null;
}
