import type { Severity } from "../event/event.ts";

/** What kind of trouble a failure is, in the one vocabulary of retry, breaker, flags and review. */
export type FailureClass =
  | "contract-violation"
  | "environment-drift"
  | "model-hallucination"
  | "tool-exhaustion"
  | "retry-budget-overflow"
  | "planning"
  | "integration-gap"
  | "policy"
  | "infrastructure"
  | "unknown";

/** What a class of failure means for what comes next. */
export interface FailureTraits {
  severity: Severity;
  /** Whether another attempt, told of the failure, can succeed without a person. */
  recoverable: boolean;
  /** One sentence: what to do about it. */
  remedy: string;
}

/** A failure as everything in Evenkeel speaks of it. */
export interface Failure extends FailureTraits {
  failureClass: FailureClass;
  /** The rule that decided, such as `http-429`; `none` where no rule knew it. */
  rule: string;
  /** The message of the error that decided, redacted and cut. */
  message: string;
}

/** The taxonomy: every class with its severity, whether a further attempt can help, and its remedy. */
export const FAILURE_CLASSES: Readonly<Record<FailureClass, FailureTraits>> = {
  "contract-violation": {
    severity: "medium",
    recoverable: true,
    remedy: "Read what the schema or the receiver asks for and send something that fits it.",
  },
  "environment-drift": {
    severity: "high",
    recoverable: false,
    remedy:
      "Bring back what the execution began with, or upgrade the execution to what is there now.",
  },
  "model-hallucination": {
    severity: "medium",
    recoverable: true,
    remedy: "Use only the tools and names that were given.",
  },
  "tool-exhaustion": {
    severity: "medium",
    recoverable: true,
    remedy: "Leave this tool alone for now and reach the goal another way, or answer without it.",
  },
  "retry-budget-overflow": {
    severity: "high",
    recoverable: false,
    remedy:
      "Stop, and answer from what is there; raise the budget only once it is known what burnt it.",
  },
  planning: {
    severity: "medium",
    recoverable: true,
    remedy: "Reconsider the approach: what was repeated led nowhere.",
  },
  "integration-gap": {
    severity: "medium",
    recoverable: false,
    remedy: "Extend the tool: it does not offer what was asked of it.",
  },
  policy: {
    severity: "high",
    recoverable: false,
    remedy: "Do not try again: this is not allowed. Ask a person who may allow it.",
  },
  infrastructure: {
    severity: "medium",
    recoverable: true,
    remedy: "Try again after a pause.",
  },
  // A first failure of unknown kind deserves another attempt; the budget bounds how many.
  unknown: {
    severity: "medium",
    recoverable: true,
    remedy: "Look at the message; add a rule if this kind of failure is known.",
  },
};

/** What a rule says: a class, and where this case differs from the class's traits. */
export interface Verdict extends Partial<FailureTraits> {
  failureClass: FailureClass;
  rule: string;
}
