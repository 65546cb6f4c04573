import type { FailureClass, Severity } from "@evenkeel/core";

import type { Baseline } from "../baseline.ts";
import type { RunReport } from "../run-report.ts";

/** What a rule found in a run. */
export interface RuleVerdict {
  /** How strongly, from just above 0 to 1; the score weighs it. */
  strength: number;
  severity: Severity;
  /** One sentence with the figures it rests on; never a quotation of arguments or results. */
  evidence: string;
  /** Index of the call it points at; null for the run as a whole. */
  step: number | null;
}

/** What a rule may look at besides the record. */
export interface RuleContext {
  /** What comparable good runs look like; absent until there are enough of them. */
  baseline: Baseline | undefined;
  /** Limits that hold from the first run on. */
  limits: FlagLimits;
}

/** Limits that need no history. */
export interface FlagLimits {
  /** Tokens read and written. @default 5000000 */
  tokens: number;
  /** US dollars. @default 10 */
  costUsd: number;
  /** Milliseconds from start to end. @default 3600000 */
  latencyMs: number;
  /** Tool calls. @default 200 */
  toolCalls: number;
}

/** A reason to look at a run: a name, what class of failure it hints at, and how to see it. */
export interface FlagRule {
  name: string;
  failureClass: FailureClass;
  /** Judges a run; nothing for a run it has no quarrel with. */
  judge: (record: RunReport, context: RuleContext) => RuleVerdict | undefined;
}

/** A rule's verdict on a run, as it is stored and shown. */
export interface Flag extends RuleVerdict {
  rule: string;
  failureClass: FailureClass;
}
