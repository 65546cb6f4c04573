import { currentEffect } from "@evenkeel/core";

import { IdempotencyError } from "./errors.ts";

/**
 * The key of the effect that the asking tool is about to have: the same whichever worker or attempt
 * carries it out. Passed to a service that deduplicates by it, such as a payment API.
 */
export function idempotencyKey(): string {
  const effect = currentEffect();
  if (effect !== undefined) return effect.key;
  throw new IdempotencyError({
    code: "no-effect-here",
    middleware: "toolIdempotencyMiddleware",
    message:
      "idempotencyKey() was asked outside of a tool whose effect is recorded. Declare the tool's effect as other than pure, and run it under toolIdempotencyMiddleware or idempotentTool.",
  });
}

/**
 * The transaction that commits with the record of the asking tool's effect: what the tool does with
 * it is done once, or not at all. With `evenkeelPostgres(pool)`, a client of that pool.
 */
export function effectTransaction<Transaction = unknown>(): Transaction {
  const effect = currentEffect();
  if (effect !== undefined && "transaction" in effect) return effect.transaction as Transaction;
  throw new IdempotencyError({
    code: "no-effect-here",
    middleware: "toolIdempotencyMiddleware",
    message:
      'effectTransaction() was asked outside of a tool whose effect is declared "transactional".',
  });
}
