import { performance } from "node:perf_hooks";

import { type Interval, median, medianInterval } from "./statistics.ts";

/** What is compared, and for how long. */
export interface PairedRuns {
  readonly reference: () => Promise<unknown>;
  readonly variant: () => Promise<unknown>;
  /** Most pairs, unless the interval is narrow before. */
  readonly pairs: number;
  /** Called between batches of pairs, outside of what is timed. */
  readonly betweenBatches: () => Promise<void>;
  /** Called once, when the runs that warm up are over. */
  readonly onWarm?: () => void;
  /** Milliseconds; a clock of the processor's time is deaf to what else the machine does. @default the wall's */
  readonly clock?: () => number;
}

/** Two ways of doing one thing, timed in turn. */
export interface PairedTimes {
  readonly pairs: number;
  /** Median of the variant's time over the reference's, pair by pair. */
  readonly ratio: number;
  /** 95 % bootstrap interval of that median. */
  readonly interval: Interval;
  readonly referenceMs: number;
  readonly variantMs: number;
  /** Median of the variant's time less the reference's, pair by pair. */
  readonly differenceMs: number;
}

const WARM_UP_RUNS = 5;
const BATCH_PAIRS = 10;
const FEWEST_PAIRS = 30;
const NARROW = 0.02;

/**
 * Times two ways of doing one thing in interleaved pairs, so that whatever slows the machine down
 * slows both; within a pair the order alternates. Ends early once the interval is within ± 0.02.
 */
export async function timePairs(runs: PairedRuns): Promise<PairedTimes> {
  for (let index = 0; index < WARM_UP_RUNS; index += 1) {
    await runs.reference();
    await runs.variant();
  }
  runs.onWarm?.();
  const times: { reference: number; variant: number }[] = [];
  const ratios = (): number[] => times.map(({ reference, variant }) => variant / reference);
  while (times.length < runs.pairs) {
    if (times.length % BATCH_PAIRS === 0) {
      if (times.length >= FEWEST_PAIRS && isNarrow(medianInterval(ratios()))) break;
      await runs.betweenBatches();
    }
    times.push(await timePair(runs, times.length % 2 === 0));
  }
  return {
    pairs: times.length,
    ratio: median(ratios()),
    interval: medianInterval(ratios()),
    referenceMs: median(times.map(({ reference }) => reference)),
    variantMs: median(times.map(({ variant }) => variant)),
    differenceMs: median(times.map(({ reference, variant }) => variant - reference)),
  };
}

async function timePair(
  { reference, variant, clock = () => performance.now() }: PairedRuns,
  referenceFirst: boolean,
): Promise<{ reference: number; variant: number }> {
  const timed = async (run: () => Promise<unknown>): Promise<number> => {
    const start = clock();
    await run();
    return clock() - start;
  };
  if (referenceFirst) {
    const first = await timed(reference);
    return { reference: first, variant: await timed(variant) };
  }
  const first = await timed(variant);
  return { reference: await timed(reference), variant: first };
}

function isNarrow({ low, high }: Interval): boolean {
  return (high - low) / 2 < NARROW;
}
