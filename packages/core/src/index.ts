/** The contract of Evenkeel's middleware and the three seams that carry it to any LangGraph graph. */
export { compose } from "./compose.ts";
export type { OnionHook, OnionLayer } from "./compose.ts";
export { defineMiddleware } from "./define-middleware.ts";
export type { EventListener } from "./event/emit.ts";
export * from "./errors.ts";
export * from "./event/event.ts";
export { canonicalJson, hashJson, sha256 } from "./store/canonical-json.ts";
export { ENVELOPE_KEY, readEnvelope, toolAnswer } from "./tool/envelope.ts";
export type { Envelope, ToolAnswerOptions } from "./tool/envelope.ts";
export { EXECUTION_CHANNEL } from "./run/execution.ts";
export type { ExecutionInfo } from "./run/execution.ts";
export { v7 as uniqueId } from "./store/ids.ts";
export { writeMemo } from "./state/memo.ts";
export type { MemoSubject } from "./state/memo.ts";
export { toolName } from "./model/model-seam.ts";
export { redact } from "./redact/redact.ts";
export type { RedactOptions } from "./redact/redact.ts";
export { redactText } from "./redact/secret-text.ts";
export {
  currentEffect,
  currentExecution,
  currentNode,
  runMemory,
  withEffect,
} from "./run/scope.ts";
export type { AmbientEffect } from "./run/scope.ts";
export { isSecretKey } from "./redact/secret-keys.ts";
export { maskKnownSecrets } from "./redact/secret-text.ts";
export * from "./middleware.ts";
export * from "./store/effect-ledger.ts";
export * from "./store/execution-lease.ts";
export * from "./store/stores.ts";
export * from "./store/result-store.ts";
export type { RunOptions } from "./run/run-options.ts";
export { withMiddleware } from "./with-middleware.ts";
export type { WithMiddleware, WithMiddlewareOptions } from "./with-middleware.ts";
export { wrapModel } from "./model/wrap-model.ts";
export { unwrapModel } from "./model/wrapping.ts";
export type { WrapModelOptions } from "./model/wrap-model.ts";
export { wrapTools } from "./tool/wrap-tools.ts";
export { classifyFailure } from "./failure/classify-failure.ts";
export { isFailure } from "./failure/chain.ts";
export { FAILURE_CLASSES } from "./failure/failure.ts";
export type { Failure, FailureClass, FailureTraits } from "./failure/failure.ts";
export { liveRun } from "./trace/live-run.ts";
export type { LiveRun } from "./trace/live-run.ts";
export { memoryStore } from "./store/memory-store.ts";
export type { MemoryStoreOptions } from "./store/memory-store.ts";
export * as optionInput from "./option-input.ts";
export { quoteAsData } from "./tool/quote-as-data.ts";
export * as storeInput from "./store/store-input.ts";
export { RETRY_CAPACITY, RETRY_COSTS, memoryRetryBudget } from "./run/retry-budget.ts";
export type { RetryBudget, RetryDraw, RetryGrant, SharedRetryBudget } from "./run/retry-budget.ts";
export { tokenBucket } from "./run/token-bucket.ts";
export type { TokenBucket } from "./run/token-bucket.ts";
export { redactTraces } from "./trace/redact-traces.ts";
export type { TraceClient } from "./trace/redact-traces.ts";
export { traceHeaders } from "./trace/trace-headers.ts";
export type { TraceHeadersOptions } from "./trace/trace-headers.ts";
