import type { FailureClass } from "@evenkeel/core";

import type { BaselineEntry } from "../baseline.ts";
import type { RunReport } from "../run-report.ts";
import { type RobustScale, distanceOn, logOf, logScaleOf, robustScale } from "../score/robust-z.ts";
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
  log: boolean;
}

const steps: Metric = {
  unit: "calls",
  of: (record) => record.toolCalls,
  in: (entry) => entry.toolCalls,
  log: false,
};
const size: Metric = {
  unit: "tokens",
  of: runSize,
  in: (entry) => entry.size,
  log: true,
};
const cost: Metric = {
  unit: "US cents",
  of: (record) => (record.costUsd === null ? null : record.costUsd * 100),
  in: (entry) => (entry.costUsd === null ? null : entry.costUsd * 100),
  log: true,
};
const latency: Metric = {
  unit: "ms",
  of: (record) => record.latencyMs,
  in: (entry) => entry.latencyMs,
  log: true,
};
const answerLength: Metric = {
  unit: "characters of answer",
  of: (record) => (record.answer.given ? record.answer.characters : null),
  in: (entry) => (entry.answered ? entry.answerCharacters : null),
  log: true,
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
      const { runs, scale, capped } = historyOf(metric, baseline.entries);
      if (runs === 0 || (side === -1 && capped)) return undefined;
      const distance = distanceOn(scale, metric.log ? logOf(value) : value) * side;
      if (distance < noticeable) return undefined;
      const grave = side === -1 && distance >= striking;
      return {
        strength: Math.min(1, distance / striking),
        severity: grave ? "medium" : "info",
        evidence: `${Math.round(value)} ${metric.unit}, ${distance.toFixed(1)} robust deviations ${side === -1 ? "below" : "above"} the last ${runs} good runs.`,
        step: null,
      };
    },
  };
}

/** What a metric's history comes to: worked out once for a baseline, which judges many runs. */
interface MetricHistory {
  runs: number;
  scale: RobustScale;
  capped: boolean;
}

const histories = new WeakMap<readonly BaselineEntry[], Map<Metric, MetricHistory>>();

function historyOf(metric: Metric, entries: readonly BaselineEntry[]): MetricHistory {
  const known = histories.get(entries) ?? new Map<Metric, MetricHistory>();
  histories.set(entries, known);
  const found = known.get(metric);
  if (found !== undefined) return found;
  const values = entries.flatMap((entry) => metric.in(entry) ?? []);
  const scale = metric.log ? logScaleOf(values) : robustScale(values, LEAST_SPREAD);
  const history = { runs: values.length, scale, capped: isCapped(entries) };
  known.set(metric, history);
  return history;
}

/** Half a call: history that always says three makes four no wonder. */
const LEAST_SPREAD = 0.5;

/**
 * History that piles up at its longest runs shows a limit on steps, not a habit: there the runs that
 * end early are the ones that found the answer.
 */
function isCapped(entries: readonly BaselineEntry[]): boolean {
  const longest = Math.max(...entries.map((entry) => entry.toolCalls));
  const atLimit = entries.filter((entry) => entry.toolCalls >= longest - 1).length;
  return longest >= 10 && atLimit * 3 >= entries.length;
}
