// Makes the median absolute deviation comparable to a standard deviation where values are normal.
const normalConsistency = 1.4826;

/** The middle value; 0 of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.filter(Number.isFinite).toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

/** Where history lies and how far it spreads, by median and median absolute deviation. */
export interface RobustScale {
  readonly center: number;
  readonly spread: number;
}

/**
 * The scale of a history, so robust that up to half of it can be bad without moving it. `floor` is
 * the least spread assumed: history that always says 3 does not make 4 infinitely strange.
 */
export function robustScale(history: readonly number[], floor: number): RobustScale {
  const center = median(history);
  const spread = normalConsistency * median(history.map((one) => Math.abs(one - center)));
  return { center, spread: Math.max(spread, floor) };
}

/** The scale of amounts that spread over orders of magnitude: tokens, cost, time, sizes. */
export function logScaleOf(history: readonly number[], floor = 0.25): RobustScale {
  return robustScale(history.map(logOf), floor);
}

/** An amount on such a scale. */
export function logOf(amount: number): number {
  return Math.log1p(Math.max(0, amount));
}

/** How far a value lies from history, in robust standard deviations. */
export function distanceOn({ center, spread }: RobustScale, value: number): number {
  return (value - center) / spread;
}
