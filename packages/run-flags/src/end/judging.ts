import { isCleanRun } from "../clean-run.ts";
import { judgeTwice } from "../judge.ts";
import type { Judgement } from "../judge.ts";
import type { RunBaselines } from "../keep/run-baselines.ts";
import type { FlagOptions } from "../options.ts";
import { defaultRules } from "../rules/default-rules.ts";
import type { FlagRule } from "../rules/flag-rule.ts";
import type { RunReport } from "../run-report.ts";

/** What the rules make of a run, and whether it may stand as an example of a good one. */
export interface JudgedRun {
  judgement: Judgement;
  clean: boolean;
}

/** Judges a run by the rules that are in force, against good runs where there are enough. */
export function judgeRun(
  report: RunReport,
  { severity: flagFrom, limits, without }: Pick<FlagOptions, "severity" | "limits" | "without">,
  added: readonly FlagRule[],
  baselines: RunBaselines | undefined,
): JudgedRun {
  const rules = [...defaultRules, ...added].filter(({ name }) => !without.includes(name));
  const options = { rules, limits, flagFrom };
  const { alone, judgement } = judgeTwice(report, baselines?.of(report), options);
  return { judgement, clean: isCleanRun(report, alone) };
}
