/** The next attempt at an execution is told what failed, in words a model can act on. */
export { failureRetryMiddleware } from "./failure-retry.ts";
export { FailureRetryError } from "./errors.ts";
export type { FailureRetryErrorCode } from "./errors.ts";
export type { FailureRetryMiddlewareOptions, FinalAnswer, Verdict } from "./options.ts";
export type { CallRecord, FailureReport } from "./context/report.ts";
