import { EvenkeelError } from "@evenkeel/core";

/** The codes run-flags throws or reports. */
export type RunFlagsErrorCode =
  | "invalid-options"
  | "package-missing"
  | "execution-unknown"
  | "run-report-version"
  | "review-failed"
  | "review-dropped"
  | "record-failed";

/** A failure of run-flags: see {@link RunFlagsErrorCode} for what can happen. */
export class RunFlagsError extends EvenkeelError<RunFlagsErrorCode> {}
