import type { FailureClass } from "@evenkeel/core";

import { RunFlagsError } from "../errors.ts";
import { fixedId } from "../review/review-ids.ts";
import { type RaiseOptions, flaggable, raiseFlag } from "./raise-flag.ts";

/** Who flags a run, and why. */
export interface FlagExecutionOptions extends RaiseOptions {
  reason: string;
  actor: string;
  /** @default "" */
  comment?: string;
  /** @default "unknown" */
  failureClass?: FailureClass;
  /** Milliseconds since the epoch. @default Date.now */
  clock?: () => number;
}

/**
 * Flags an execution by hand: its record says who and why, it is no example of a good run any more,
 * the audit has a row, and with `langsmith` or `routes` the reviewers are told.
 *
 * Error behavior: no such record throws `execution-unknown`, an empty reason or actor
 * `invalid-options`; what the store throws goes through, and then nothing was flagged. The same
 * reason by the same actor again changes nothing.
 */
export async function flagExecution(
  executionId: string,
  options: FlagExecutionOptions,
): Promise<void> {
  const { reason, actor, comment = "", failureClass, clock = Date.now, ...raise } = options;
  for (const [option, value] of Object.entries({ reason, actor })) {
    if (typeof value === "string" && value.trim() !== "") continue;
    throw new RunFlagsError({
      code: "invalid-options",
      message: `flagExecution: option "${option}": ${JSON.stringify(value)} came; allowed is a non-empty string. A privileged act says who and why.`,
      details: { option },
    });
  }
  const record = await flaggable(executionId, raise.store);
  const flag = {
    id: fixedId("flag", executionId, reason, actor),
    at: new Date(clock()).toISOString(),
    reason,
    comment,
    actor,
    ...(failureClass === undefined ? {} : { failureClass }),
  };
  await raiseFlag(record, flag, "flag-execution", raise);
}
