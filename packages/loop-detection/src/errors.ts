import { EvenkeelError } from "@evenkeel/core";

/** The codes loop-detection throws. */
export type LoopDetectionErrorCode =
  | "invalid-options"
  | "loop-detected"
  | "state-version-unsupported";

/** A failure of loop-detection: see {@link LoopDetectionErrorCode} for what can happen. */
export class LoopDetectionError extends EvenkeelError<LoopDetectionErrorCode> {}
