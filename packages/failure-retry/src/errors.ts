import { EvenkeelError } from "@evenkeel/core";

/** The codes failure-retry throws. */
export type FailureRetryErrorCode =
  | "invalid-options"
  | "answer-rejected"
  | "critical-flag"
  | "attempt-crashed"
  | "repairs-exhausted"
  | "verify-failed"
  | "verify-invalid";

/** A failure of failure-retry: see {@link FailureRetryErrorCode} for what can happen. */
export class FailureRetryError extends EvenkeelError<FailureRetryErrorCode> {}
