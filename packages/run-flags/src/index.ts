/** Suspicious runs are recorded, judged against good ones, and marked for review. */
export { defineFlagRule } from "./define-flag-rule.ts";
export type {
  FailureClass,
  Flag,
  FlagLimits,
  FlagRule,
  RuleContext,
  RuleVerdict,
} from "./flag-rule.ts";
export type { Judgement } from "./judge.ts";
export { parseRunRecord } from "./parse-run-record.ts";
export type { RecordedCall, RunRecord } from "./run-record.ts";
export type { ScoreWeights } from "./score.ts";
