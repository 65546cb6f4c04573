import type { Flag } from "../rules/flag-rule.ts";

/** One calibration of the score. */
interface Calibration {
  /** Log-odds of a run without any sign. */
  base: number;
  /** Log-odds a sign adds at full strength, by rule; a rule that is not listed adds `other`. */
  rules: Readonly<Record<string, number>>;
  /** What a rule adds that was not calibrated, such as your own. */
  other: number;
  /** Score from which the signs together mark a run. */
  flagAt: number;
}

/** The score's weights, without and with a baseline to compare with. */
export interface ScoreWeights {
  v: 1;
  alone: Calibration;
  compared: Calibration;
  /** Score, without a baseline, below which a run may stand as an example of a good one. */
  cleanBelow: number;
}

/**
 * Combines what the rules found into one figure from 0 to 1: the logistic of a base plus each rule's
 * weight times its strength. No weight is negative, so a further sign never lowers the score. It
 * ranks runs for review; it is no probability of failure, whose base rate differs from agent to agent.
 */
export function scoreOf(
  flags: readonly Pick<Flag, "rule" | "strength">[],
  compared: boolean,
  weights: ScoreWeights,
): number {
  const { base, rules, other } = compared ? weights.compared : weights.alone;
  const sum = flags.reduce(
    (total, { rule, strength }) =>
      total + (Object.hasOwn(rules, rule) ? (rules[rule] ?? 0) : other) * strength,
    base,
  );
  return Math.round((1 / (1 + Math.exp(-sum))) * 1e6) / 1e6;
}
