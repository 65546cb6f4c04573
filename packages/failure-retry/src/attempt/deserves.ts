import { isGraphBubbleUp } from "@langchain/langgraph";

import type { RetryContext } from "../options.ts";
import type { AttemptFailure } from "./judge.ts";

/**
 * Whether a failure is of a kind that another attempt may help. A decision that throws or says
 * neither yes nor no is none: the failure itself comes out, as it would without it.
 */
export function deserves({ failure, error }: AttemptFailure, context: RetryContext): boolean {
  const { options, live } = context;
  const { retryOn } = options;
  if (live.decide === undefined) {
    return Array.isArray(retryOn) ? retryOn.includes(failure.failureClass) : failure.recoverable;
  }
  try {
    const decision: unknown = live.decide(failure, error);
    if (typeof decision === "boolean") return decision;
    throw new Error(
      `it gave ${decision === null ? "null" : typeof decision}, true or false is allowed`,
    );
  } catch (thrown) {
    if (isGraphBubbleUp(thrown)) throw thrown;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    context.emit("middleware-warning", {
      severity: "medium",
      detail: { code: "retry-on-failed", message: `\`retryOn\` made no decision: ${why}` },
    });
    return false;
  }
}
