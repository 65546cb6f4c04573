import type { RunOutcome } from "@evenkeel/core";

import { FailureRetryError } from "../errors.ts";
import type { RetryContext } from "../options.ts";

/** The outcome of an attempt whose process died at one spot as often as it was resumed there. */
export function crashed(
  deadResumes: number,
  { options, execution, live }: RetryContext,
): RunOutcome | undefined {
  if (deadResumes < options.maxResumes) return undefined;
  const error = new FailureRetryError({
    code: "attempt-crashed",
    middleware: live.name,
    message: `Attempt ${execution.attempt} was resumed ${deadResumes} times at the same checkpoint, and each time its process died before it got any further.`,
    details: { deadResumes },
  });
  return { status: "failed", error };
}
