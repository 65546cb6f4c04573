/** A side effect of a tool happens once, whatever crashes, retries or runs beside it. */
export { IdempotencyError } from "./errors.ts";
export type { IdempotencyErrorCode } from "./errors.ts";
export { idempotentTool } from "./idempotent-tool.ts";
export type { IdempotentToolOptions } from "./idempotent-tool.ts";
export type {
  EffectSubject,
  Reconciled,
  ToolArguments,
  ToolEffectOptions,
  ToolIdempotencyOptions,
} from "./options.ts";
export type { DeclaredEffect } from "./protocol.ts";
export type { EffectAnswer, EffectQuestion } from "./doubt/questions.ts";
export { revertExecution } from "./revert-execution.ts";
export type { RevertOptions, Reverted } from "./revert-execution.ts";
export { effectTransaction, idempotencyKey } from "./runtime.ts";
export { toolIdempotencyMiddleware } from "./tool-idempotency.ts";
