/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which a share of the values lies, interpolated; NaN for no values. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

/** Two ends of an interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 2_000;

/**
 * The 95 % percentile-bootstrap interval of the median: how far the median moves when the same
 * values are drawn again, with replacement. The draws are seeded, so equal values give equal ends.
 */
export function medianInterval(values: readonly number[]): Interval {
  const draw = seededIndex(values.length);
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(values.map(() => values[draw()] ?? Number.NaN)),
  );
  return { low: quantile(medians, 0.025), high: quantile(medians, 0.975) };
}

/** Indexes below a length, by the generator mulberry32 with a fixed seed. */
function seededIndex(length: number): () => number {
  let state = 0x9e37_79b9;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * length);
  };
}
