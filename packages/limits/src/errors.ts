import { EvenkeelError } from "@evenkeel/core";

/** The codes limits throws. */
export type LimitsErrorCode =
  | "invalid-options"
  | "budget-exhausted"
  | "price-invalid"
  | "scope-invalid"
  | "breaker-open"
  | "state-version-unsupported";

/** A failure of limits: see {@link LimitsErrorCode} for what can happen. */
export class LimitsError extends EvenkeelError<LimitsErrorCode> {}
