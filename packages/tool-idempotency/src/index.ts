/** A side effect of a tool happens once, whatever crashes, retries or runs beside it. */
export { IdempotencyError } from "./errors.ts";
export type { IdempotencyErrorCode } from "./errors.ts";
export type {
  EffectSubject,
  Reconciled,
  ToolArguments,
  ToolEffectOptions,
  ToolIdempotencyOptions,
} from "./options.ts";
export type { DeclaredEffect } from "./protocol.ts";
export type { EffectAnswer, EffectQuestion } from "./questions.ts";
export { effectTransaction, idempotencyKey } from "./runtime.ts";
export { toolIdempotencyMiddleware } from "./tool-idempotency.ts";
