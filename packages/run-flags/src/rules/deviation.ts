import type { FailureClass } from "@evenkeel/core";

import type { BaselineEntry } from "../baseline.ts";
import type { RunReport } from "../run-report.ts";
import { robustLogZ, robustZ } from "../score/robust-z.ts";
import { runSize } from "../shape/run-size.ts";
import type { FlagRule } from "./flag-rule.ts";

/** Robust deviations from which a rule speaks, and from which a shortfall is grave. */
const noticeable = 2;
const striking = 4;

interface Metric {
  unit: string;
  of: (record: RunReport) => number | null;
  in: (entry: BaselineEntry) => number | null;
  /** Amounts spread over orders of magnitude; counts do not. */
  distance: (value: number, history: readonly number[]) => number;
}

const steps: Metric = {
  unit: "calls",
  of: (record) => record.toolCalls,
  in: (entry) => entry.toolCalls,
  distance: (value, history) => robustZ(value, history, 0.5),
};
const size: Metric = {
  unit: "tokens",
  of: runSize,
  in: (entry) => entry.size,
  distance: robustLogZ,
};
const cost: Metric = {
  unit: "US cents",
  of: (record) => (record.costUsd === null ? null : record.costUsd * 100),
  in: (entry) => (entry.costUsd === null ? null : entry.costUsd * 100),
  distance: robustLogZ,
};
const latency: Metric = {
  unit: "ms",
  of: (record) => record.latencyMs,
  in: (entry) => entry.latencyMs,
  distance: robustLogZ,
};
const answerLength: Metric = {
  unit: "characters of answer",
  of: (record) => (record.answer.given ? record.answer.characters : null),
  in: (entry) => (entry.answered ? entry.answerCharacters : null),
  distance: robustLogZ,
};

/** Fewer calls than good runs make: the strong side, since unfinished work is short. */
export const fewSteps: FlagRule = below("few-steps", "planning", steps);
/** More calls than good runs make: a weak sign. */
export const manySteps: FlagRule = above("many-steps", "planning", steps);
/** Less read and written than in good runs. */
export const fewTokens: FlagRule = below("few-tokens", "planning", size);
/** More read and written than in good runs: a weak sign, on some work a reversed one. */
export const manyTokens: FlagRule = above("many-tokens", "planning", size);
/** Cheaper than good runs. */
export const lowCost: FlagRule = below("low-cost", "planning", cost);
/** Dearer than good runs. */
export const highCost: FlagRule = above("high-cost", "planning", cost);
/** Faster than good runs. */
export const shortLatency: FlagRule = below("short-latency", "planning", latency);
/** Slower than good runs; waiting for people and providers says little about the run. */
export const longLatency: FlagRule = above("long-latency", "infrastructure", latency);
/** A final answer much shorter than good runs give. */
export const shortAnswer: FlagRule = below("short-answer", "integration-gap", answerLength);
/** A final answer much longer than good runs give. */
export const longAnswer: FlagRule = above("long-answer", "integration-gap", answerLength);

function below(name: string, failureClass: FailureClass, metric: Metric): FlagRule {
  return deviation(name, failureClass, metric, -1);
}

function above(name: string, failureClass: FailureClass, metric: Metric): FlagRule {
  return deviation(name, failureClass, metric, 1);
}

function deviation(
  name: string,
  failureClass: FailureClass,
  metric: Metric,
  side: -1 | 1,
): FlagRule {
  return {
    name,
    failureClass,
    judge: (record, { baseline }) => {
      const value = metric.of(record);
      if (baseline === undefined || value === null) return undefined;
      const history = baseline.entries.flatMap((entry) => metric.in(entry) ?? []);
      if (history.length === 0 || (side === -1 && isCapped(baseline.entries))) return undefined;
      const distance = metric.distance(value, history) * side;
      if (distance < noticeable) return undefined;
      const grave = side === -1 && distance >= striking;
      return {
        strength: Math.min(1, distance / striking),
        severity: grave ? "medium" : "info",
        evidence: `${Math.round(value)} ${metric.unit}, ${distance.toFixed(1)} robust deviations ${side === -1 ? "below" : "above"} the last ${history.length} good runs.`,
        step: null,
      };
    },
  };
}

/**
 * History that piles up at its longest runs shows a limit on steps, not a habit: there the runs that
 * end early are the ones that found the answer.
 */
function isCapped(entries: readonly BaselineEntry[]): boolean {
  const longest = Math.max(...entries.map((entry) => entry.toolCalls));
  const atLimit = entries.filter((entry) => entry.toolCalls >= longest - 1).length;
  return longest >= 10 && atLimit * 3 >= entries.length;
}
