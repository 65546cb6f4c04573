import type { EffectRecord } from "@evenkeel/core";

import { IdempotencyError } from "../errors.ts";

/** Why a worker must not go on with an effect, as the run's error. */
export function refusal(
  why: "in-flight" | "fenced",
  { tool, middleware }: { readonly tool: string; readonly middleware: string },
  effect: EffectRecord | undefined,
): IdempotencyError {
  const details = { tool, ...(effect === undefined ? {} : { key: effect.key }) };
  return why === "in-flight"
    ? new IdempotencyError({
        code: "effect-in-flight",
        middleware,
        message: `The call of tool "${tool}" was not made: another worker is at the same effect. Resume the execution later.`,
        details,
      })
    : new IdempotencyError({
        code: "lease-lost",
        middleware,
        message: `This worker lost its execution while it was at tool "${tool}": another worker took it, and what happened here was not recorded as done.`,
        details,
      });
}
