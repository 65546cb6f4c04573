/** Suspicious runs are recorded, judged against good ones, and marked for review. */
export type { BaselineOptions } from "./baseline.ts";
export { defineFlagRule } from "./rules/define-flag-rule.ts";
export { RunFlagsError } from "./errors.ts";
export type { RunFlagsErrorCode } from "./errors.ts";
export { flagExecution } from "./keep/flag-execution.ts";
export type { FlagExecutionOptions } from "./keep/flag-execution.ts";
export type { Flag, FlagLimits, FlagRule, RuleContext, RuleVerdict } from "./rules/flag-rule.ts";
export type { Judgement } from "./judge.ts";
export type { KeptRun, PersonFlag } from "./keep/kept-run.ts";
export type {
  LangSmithReviewOptions,
  ReviewClient,
  ReviewQueue,
} from "./review/langsmith-review.ts";
export type { RuleOptions, RunFlagsMiddlewareOptions } from "./options.ts";
export { parseRunReport } from "./keep/parse-run-report.ts";
export type { FlagHandler, FlagRoute, FlaggedRun } from "./review/routes.ts";
export { runFlagsMiddleware } from "./run-flags.ts";
export type { RunFlagsMiddleware } from "./run-flags.ts";
export type { RecordedCall, RunReport } from "./run-report.ts";
export type { ScoreWeights } from "./score/score.ts";
export { sweepStale } from "./keep/sweep-stale.ts";
export type { SweepOptions, SweptRun } from "./keep/sweep-stale.ts";
