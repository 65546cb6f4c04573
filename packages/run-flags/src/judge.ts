import type { Severity } from "@evenkeel/core";

import type { Baseline } from "./baseline.ts";
import { defaultRules } from "./rules/default-rules.ts";
import type { Flag, FlagLimits, FlagRule, RuleContext } from "./rules/flag-rule.ts";
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
  options: JudgeOptions = {},
): Judgement {
  return judgementOf(askRules(record, baseline, options), baseline !== undefined, options);
}

/**
 * The same without and with a baseline: a rule that did not look at the baseline the first time is
 * not asked again.
 */
export function judgeTwice(
  record: RunReport,
  baseline: Baseline | undefined,
  options: JudgeOptions = {},
): { readonly alone: Judgement; readonly judgement: Judgement } {
  const asked = askRules(record, undefined, options);
  const alone = judgementOf(asked, false, options);
  if (baseline === undefined) return { alone, judgement: alone };
  const again = askRules(record, baseline, options, asked);
  return { alone, judgement: judgementOf(again, true, options) };
}

/** What a rule made of a run. */
interface Asked {
  readonly flag: Flag | undefined;
  readonly broken: Judgement["broken"][number] | undefined;
  /** It looked whether there is a baseline. */
  readonly compares: boolean;
}

function askRules(
  record: RunReport,
  baseline: Baseline | undefined,
  { rules = defaultRules, limits = {} }: JudgeOptions,
  before?: readonly Asked[],
): Asked[] {
  let compares = false;
  const context: RuleContext = {
    get baseline() {
      compares = true;
      return baseline;
    },
    limits: { ...defaultLimits, ...limits },
  };
  return rules.map((rule, index) => {
    const known = before?.[index];
    if (known?.compares === false) return known;
    compares = false;
    try {
      const verdict = rule.judge(record, context);
      return { flag: flagOf(rule, verdict), broken: undefined, compares };
    } catch (error) {
      return { flag: undefined, broken: { rule: rule.name, message: messageOf(error) }, compares };
    }
  });
}

function flagOf(
  { name, failureClass }: FlagRule,
  verdict: ReturnType<FlagRule["judge"]>,
): Flag | undefined {
  if (verdict === undefined || !(verdict.strength > 0)) return undefined;
  return {
    rule: name,
    failureClass,
    strength: Math.min(1, verdict.strength),
    severity: verdict.severity,
    evidence: plainText(verdict.evidence, 500),
    step: verdict.step,
  };
}

function judgementOf(
  asked: readonly Asked[],
  compared: boolean,
  { flagFrom = "high", weights = shippedWeights, flagAt }: JudgeOptions,
): Judgement {
  const flags = asked.flatMap(({ flag }) => flag ?? []);
  const score = scoreOf(flags, compared, weights);
  const severity = gravest(flags);
  const threshold = flagAt ?? (compared ? weights.compared : weights.alone).flagAt;
  return {
    score,
    flags: flags.toSorted(
      (one, other) => order.indexOf(other.severity) - order.indexOf(one.severity),
    ),
    flagged: score >= threshold || order.indexOf(severity) >= order.indexOf(flagFrom),
    severity,
    broken: asked.flatMap(({ broken }) => broken ?? []),
  };
}

function gravest(flags: readonly Flag[]): Severity {
  return order[Math.max(0, ...flags.map((flag) => order.indexOf(flag.severity)))] ?? "info";
}

function messageOf(error: unknown): string {
  return plainText(error instanceof Error ? error.message : String(error), 300);
}
