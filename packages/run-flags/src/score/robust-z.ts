// Makes the median absolute deviation comparable to a standard deviation where values are normal.
const normalConsistency = 1.4826;

/** The middle value; 0 of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.filter(Number.isFinite).toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

/**
 * How far a value lies from history, in robust standard deviations by median and median absolute
 * deviation, so that up to half of the history can be bad without moving it. `floor` is the least
 * spread assumed: history that always says 3 does not make 4 infinitely strange.
 */
export function robustZ(value: number, history: readonly number[], floor: number): number {
  const center = median(history);
  const spread = normalConsistency * median(history.map((one) => Math.abs(one - center)));
  return (value - center) / Math.max(spread, floor);
}

/** The same for amounts that spread over orders of magnitude: tokens, cost, time, sizes. */
export function robustLogZ(value: number, history: readonly number[], floor = 0.25): number {
  return robustZ(
    Math.log1p(Math.max(0, value)),
    history.map((one) => Math.log1p(Math.max(0, one))),
    floor,
  );
}
