import { EvenkeelError, classifyFailure, isFailure } from "@evenkeel/core";
import type { Failure, RunOutcome } from "@evenkeel/core";

import { FailureRetryError } from "../errors.ts";
import type { FinalAnswer, RetryContext } from "../options.ts";
import { verifyAnswer } from "./verify-answer.ts";

/** Why an attempt does not count. */
export interface AttemptFailure {
  readonly failure: Failure;
  /** What a caller gets if there is no further attempt: the thrown error itself, where there is one. */
  readonly error: unknown;
  /** The words of it, for the model. */
  readonly message: string;
  /** Nobody can say whether the answer holds: another attempt would not change that. */
  readonly final: boolean;
}

/** A critical event of an attempt. */
export interface CriticalFlag {
  readonly name: string;
  readonly by: string;
  readonly failure: string | undefined;
}

/** What an outcome is as a failure; undefined where it is none: done, paused, aborted, superseded. */
export async function judge(
  outcome: RunOutcome,
  answer: () => Promise<FinalAnswer>,
  flag: CriticalFlag | undefined,
  { live, options, execution }: RetryContext,
  signal: AbortSignal | undefined,
): Promise<AttemptFailure | undefined> {
  if (outcome.status === "failed") {
    // Without a signal nobody can have aborted: LangGraph has words of an abort for a step's timeout.
    if (!isFailure(outcome.error, signal ?? new AbortController().signal)) return undefined;
    return fromError(outcome.error);
  }
  if (outcome.status !== "completed") return undefined;
  if (flag !== undefined) {
    const error = new FailureRetryError({
      code: "critical-flag",
      middleware: live.name,
      message: `Attempt ${execution.attempt} ended with a critical event: ${flag.name}, reported by ${flag.by}.`,
      details: flag.failure === undefined ? {} : { failureClass: flag.failure },
    });
    return fromError(error);
  }
  if (live.verify === undefined) return undefined;
  const verdict = await verifyAnswer(live.verify, await answer(), options.hookTimeoutMs, live.name);
  if (verdict === undefined) return undefined;
  return { ...fromError(verdict), final: verdict.code !== "answer-rejected" };
}

/** A failure of an error, whoever threw it. */
function fromError(error: unknown): AttemptFailure {
  const failure = classifyFailure(isFailure(error) ? error : stepTimeout(error));
  const own = EvenkeelError.isInstance(error) ? error.message : undefined;
  const bare = failure.message === "" ? own : failure.message;
  return {
    failure,
    error,
    message: bare === undefined || bare === "" ? "The error has no message." : bare,
    final: false,
  };
}

/** What LangGraph means by an abort that nobody asked for. */
function stepTimeout(cause: unknown): Error {
  const error = new Error("A step of the graph took longer than its timeout.", { cause });
  error.name = "TimeoutError";
  return error;
}
