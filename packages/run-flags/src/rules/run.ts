import type { RunReport } from "../run-report.ts";
import { runSize } from "../shape/run-size.ts";
import type { FlagRule, RuleContext, RuleVerdict } from "./flag-rule.ts";

/** The execution did not come to its end. */
export const endedInError: FlagRule = {
  name: "ended-in-error",
  failureClass: "infrastructure",
  judge: ({ outcome, error, calls }) => {
    if (outcome === "completed" || outcome === "interrupted" || outcome === "superseded") {
      return undefined;
    }
    return {
      strength: outcome === "aborted" ? 0.5 : 1,
      severity: outcome === "aborted" ? "low" : "high",
      evidence: `The execution ${outcome}${error === null ? "" : ` with ${error.code}`}.`,
      step: calls.at(-1)?.step ?? null,
    };
  },
};

/** A new input replaced the execution before it had answered. */
export const superseded: FlagRule = {
  name: "superseded",
  failureClass: "unknown",
  judge: ({ outcome }) =>
    outcome === "superseded"
      ? {
          strength: 0.5,
          severity: "low",
          evidence: "A new input came before this execution had answered.",
          step: null,
        }
      : undefined,
};

/** The execution needed several attempts, or was taken up again after a crash. */
export const retried: FlagRule = {
  name: "retried",
  failureClass: "retry-budget-overflow",
  judge: ({ attempts, resumes }) => {
    const extra = attempts - 1 + resumes;
    if (extra <= 0) return undefined;
    return {
      strength: Math.min(1, extra / 3),
      severity: extra >= 3 ? "medium" : "low",
      evidence: `It took ${attempts} attempts and was resumed ${resumes} times after a crash.`,
      step: null,
    };
  },
};

/** The configuration changed while the execution ran. */
export const drifted: FlagRule = {
  name: "config-drift",
  failureClass: "environment-drift",
  judge: ({ drift }) =>
    drift.length === 0
      ? undefined
      : {
          strength: 0.5,
          severity: "low",
          evidence: `${drift.length} configuration fields drifted, first "${drift[0]}".`,
          step: null,
        },
};

/**
 * A budget is nearly used up, by the word of whoever keeps it: it warns once, at the share it was
 * told (80 % by default), and what was spent after that is not told again before nothing is left.
 */
export const budgetNearlySpent: FlagRule = {
  name: "budget-nearly-spent",
  failureClass: "retry-budget-overflow",
  judge: ({ budgetSpent, budget }) =>
    budgetSpent === null
      ? undefined
      : {
          strength: Math.min(1, budgetSpent),
          severity: budgetSpent >= 1 ? "medium" : "low",
          evidence: `${budgetSpent >= 1 ? "" : "At least "}${Math.round(budgetSpent * 100)} % of ${budget === null ? "a budget" : `the budget "${budget}"`} is spent.`,
          step: null,
        },
};

/** Nobody knows whether a side effect happened. */
export const effectUnknown: FlagRule = {
  name: "effect-unknown",
  failureClass: "infrastructure",
  judge: ({ unknownEffects: [first, ...others], calls }) =>
    first === undefined
      ? undefined
      : {
          strength: 1,
          severity: "high",
          evidence: `Whether "${first}"${others.length === 0 ? "" : ` and ${others.length} more`} took effect is not known.`,
          step: calls.find(({ tool }) => tool === first)?.step ?? null,
        },
};

/** A circuit breaker opened while the execution ran. */
export const breakerOpened: FlagRule = {
  name: "breaker-opened",
  failureClass: "tool-exhaustion",
  judge: ({ breakers: [first, ...others], calls }) =>
    first === undefined
      ? undefined
      : {
          strength: 0.5,
          severity: "low",
          evidence: `The circuit breaker of "${first}"${others.length === 0 ? "" : ` and ${others.length} more`} opened.`,
          step: calls.find(({ tool, ok }) => tool === first && !ok)?.step ?? null,
        },
};

const largeShare = 0.6;
const largeSize = 20_000;

/** One result fills most of the conversation. */
export const resultTooLarge: FlagRule = {
  name: "large-result",
  failureClass: "integration-gap",
  judge: ({ largestResult }) => {
    if (largestResult === null || largestResult.share < largeShare) return undefined;
    if (largestResult.size < largeSize) return undefined;
    return {
      strength: largestResult.share,
      severity: "info",
      evidence: `From call ${largestResult.step} on, one result of "${largestResult.tool}" (${largestResult.size} characters) is ${Math.round(largestResult.share * 100)} % of the conversation.`,
      step: largestResult.step,
    };
  },
};

/** The run went over a limit that holds from the first run on. */
export const overLimit: FlagRule = {
  name: "over-limit",
  failureClass: "retry-budget-overflow",
  judge: (record, context) => {
    const [worst] = overLimits(record, context);
    return worst;
  },
};

function overLimits(record: RunReport, { limits }: RuleContext): RuleVerdict[] {
  const measured: [string, number, number][] = [
    ["tokens", record.tokens === null ? 0 : runSize(record), limits.tokens],
    ["US dollars", record.costUsd ?? 0, limits.costUsd],
    ["milliseconds", record.latencyMs, limits.latencyMs],
    ["tool calls", record.toolCalls, limits.toolCalls],
  ];
  return measured
    .filter(([, value, limit]) => value > limit)
    .map(([unit, value, limit]) => ({
      strength: 1,
      severity: "medium",
      evidence: `${value} ${unit}; the limit is ${limit}.`,
      step: null,
    }));
}
