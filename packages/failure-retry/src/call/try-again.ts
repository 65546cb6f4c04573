import { classifyFailure, isFailure } from "@evenkeel/core";
import type { Failure, RetryGrant } from "@evenkeel/core";
import { isGraphBubbleUp } from "@langchain/langgraph";

import { pauseMs, sleep } from "../backoff.ts";
import type { RetryContext } from "../options.ts";
import { retryAfterMs } from "./retry-after.ts";

/** One call that may be made again. */
export interface Repeatable {
  readonly kind: "model" | "tool";
  /** The provider's model or the tool it is made on. */
  readonly target: string;
  readonly callId: string | null;
  readonly signal: AbortSignal | undefined;
  /** Whether making it again is free of harm: nothing shown, no effect in doubt. */
  readonly harmless: (failure: Failure, error: unknown) => boolean;
}

/** Rules of the class `infrastructure` that a pause does not cure, or that leave an effect in doubt. */
const LASTING = new Set(["quota", "http-402", "effect-in-doubt", "store", "machine", "busy"]);

/** Makes a call again after passing trouble, as often as its options and the run's budget allow. */
export async function tryAgain<Result>(
  { kind, target, callId, signal, harmless }: Repeatable,
  call: () => Promise<Result>,
  { options, live, retryBudget, now }: RetryContext,
): Promise<Result> {
  const grants: RetryGrant[] = [];
  for (let failures = 1; ; failures += 1) {
    try {
      const result = await call();
      for (const grant of grants) grant.refund();
      return result;
    } catch (error) {
      if (isGraphBubbleUp(error)) throw error;
      if (failures >= options.maxCallTries || !isFailure(error, signal)) throw error;
      const failure = classifyFailure(error);
      if (!isPassing(failure) || !harmless(failure, error)) throw error;
      const grant = await retryBudget.draw({ by: live.name, kind, target, callId, failure });
      if (!grant.granted) throw error;
      grants.push(grant);
      await sleep(pauseMs(failures, options, live.random, retryAfterMs(error, now)), signal);
    }
  }
}

function isPassing({ failureClass, recoverable, rule }: Failure): boolean {
  return failureClass === "infrastructure" && recoverable && !LASTING.has(rule);
}

/** Codes of a connection that was never made. */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** True where a failure says by itself that nothing was done: it was turned away, or never sent. */
export function wasNotDone({ rule }: Failure, error: unknown): boolean {
  if (rule === "rate-limit" || rule === "http-429") return true;
  let link = error;
  for (let depth = 0; depth < 8 && typeof link === "object" && link !== null; depth += 1) {
    const { code, cause }: { code?: unknown; cause?: unknown } = link;
    if (typeof code === "string" && NEVER_SENT.has(code)) return true;
    link = cause;
  }
  return false;
}
