import { EvenkeelError, classifyFailure, isFailure, readEnvelope } from "@evenkeel/core";
import type { Failure, FailureClass } from "@evenkeel/core";
import { isCommand } from "@langchain/langgraph";

/** What a call says about the health of what was called; `nothing` where it says nothing of it. */
export type Verdict = "well" | "nothing" | { readonly failureClass: FailureClass };

/** Throttling says that a service is alive, and when to come back. */
const THROTTLED: ReadonlySet<string> = new Set(["http-429", "rate-limit"]);

/** Judges what a call came to. */
export function verdictOn(result: unknown, counted: readonly FailureClass[]): Verdict {
  const message = result as { status?: unknown } | null | undefined;
  if (isCommand(result) || message?.status !== "error") return "well";
  // Answered by a middleware in the tool's place: the tool was never asked.
  return readEnvelope(result) === undefined
    ? counting(classifyFailure(result), counted)
    : "nothing";
}

/** Judges what a call threw: pauses, aborts and refusals of a middleware say nothing. */
export function verdictOnError(
  error: unknown,
  signal: AbortSignal | undefined,
  counted: readonly FailureClass[],
): Verdict {
  if (!isFailure(error, signal) || EvenkeelError.isInstance(error)) return "nothing";
  return counting(classifyFailure(error), counted);
}

function counting({ failureClass, rule }: Failure, counted: readonly FailureClass[]): Verdict {
  return counted.includes(failureClass) && !THROTTLED.has(rule) ? { failureClass } : "nothing";
}
