import type { Severity } from "@evenkeel/core";

import type { Baseline } from "./baseline.ts";
import { defaultRules } from "./rules/default-rules.ts";
import type { Flag, FlagLimits, FlagRule } from "./rules/flag-rule.ts";
import type { RunReport } from "./run-report.ts";
import { type ScoreWeights, scoreOf } from "./score/score.ts";
import { weights as shippedWeights } from "./score/weights.ts";
import { plainText } from "./shape/plain-text.ts";

/** What the rules make of a run. */
export interface Judgement {
  /** 0 to 1: how much the run's signs, together, resemble those of runs worth a look. */
  score: number;
  /** Everything the rules found, gravest first. */
  flags: Flag[];
  /** The run is to be marked for review. */
  flagged: boolean;
  /** The gravest severity; `info` of none. */
  severity: Severity;
  /** Rules that threw, by name and message; the others were judged all the same. */
  broken: { rule: string; message: string }[];
}

/** How runs are judged. */
export interface JudgeOptions {
  rules?: readonly FlagRule[];
  limits?: Partial<FlagLimits>;
  /** The severity from which a single finding marks the run. @default "high" */
  flagFrom?: Severity;
  /** The score from which the findings together mark it. @default the calibrated threshold */
  flagAt?: number;
  weights?: ScoreWeights;
}

const defaultLimits: FlagLimits = {
  tokens: 5_000_000,
  costUsd: 10,
  latencyMs: 3_600_000,
  toolCalls: 200,
};

const order: readonly Severity[] = ["info", "low", "medium", "high", "critical"];

/** Judges a run's record by every rule; a rule that throws is reported and takes no other with it. */
export function judge(
  record: RunReport,
  baseline: Baseline | undefined,
  {
    rules = defaultRules,
    limits = {},
    flagFrom = "high",
    weights = shippedWeights,
    flagAt,
  }: JudgeOptions = {},
): Judgement {
  const context = { baseline, limits: { ...defaultLimits, ...limits } };
  const flags: Flag[] = [];
  const broken: Judgement["broken"] = [];
  for (const rule of rules) {
    try {
      const verdict = rule.judge(record, context);
      if (verdict === undefined || !(verdict.strength > 0)) continue;
      flags.push({
        rule: rule.name,
        failureClass: rule.failureClass,
        strength: Math.min(1, verdict.strength),
        severity: verdict.severity,
        evidence: plainText(verdict.evidence, 500),
        step: verdict.step,
      });
    } catch (error) {
      broken.push({ rule: rule.name, message: messageOf(error) });
    }
  }
  const score = scoreOf(flags, baseline !== undefined, weights);
  const severity = gravest(flags);
  const threshold = flagAt ?? (baseline === undefined ? weights.alone : weights.compared).flagAt;
  return {
    score,
    flags: flags.toSorted(
      (one, other) => order.indexOf(other.severity) - order.indexOf(one.severity),
    ),
    flagged: score >= threshold || order.indexOf(severity) >= order.indexOf(flagFrom),
    severity,
    broken,
  };
}

function gravest(flags: readonly Flag[]): Severity {
  return order[Math.max(0, ...flags.map((flag) => order.indexOf(flag.severity)))] ?? "info";
}

function messageOf(error: unknown): string {
  return plainText(error instanceof Error ? error.message : String(error), 300);
}
