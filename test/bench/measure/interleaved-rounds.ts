import { performance } from "node:perf_hooks";

import { type Interval, median, medianInterval } from "./statistics.ts";

/** Several ways of doing one thing, and for how long they are compared. */
export interface Rounds {
  readonly reference: () => Promise<unknown>;
  /** By title; the reference itself under another name is the A/A of the table. */
  readonly variants: Readonly<Record<string, () => Promise<unknown>>>;
  readonly rounds: number;
  readonly warmUpRounds: number;
  /** Called between batches of rounds, outside of what is timed. */
  readonly betweenBatches: () => Promise<void>;
}

/** One of them against the reference. */
export interface RoundTimes {
  readonly rounds: number;
  /** Median of its time over the reference's, round by round. */
  readonly ratio: number;
  /** 95 % bootstrap interval of that median. */
  readonly interval: Interval;
  readonly referenceMs: number;
  readonly variantMs: number;
  /** Median of its time less the reference's, round by round. */
  readonly differenceMs: number;
}

const BATCH_ROUNDS = 5;

/**
 * Times several ways of doing one thing in interleaved rounds: each round runs every one of them once,
 * and starts with another, so that whatever slows the machine down slows them all alike.
 */
export async function timeRounds(plan: Rounds): Promise<Record<string, RoundTimes>> {
  const { reference, variants, rounds, warmUpRounds, betweenBatches } = plan;
  const names = Object.keys(variants);
  const runs = [reference, ...Object.values(variants)];
  const times: number[][] = [];
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    if (round % BATCH_ROUNDS === 0) await betweenBatches();
    const took = await timeRound(runs, Math.abs(round));
    if (round >= 0) times.push(took);
  }
  return Object.fromEntries(
    names.map((name, index) => [name, timesOf(times.map((took) => pairIn(took, index + 1)))]),
  );
}

/** Milliseconds of every run, in the order they are listed in, whichever came first. */
async function timeRound(
  runs: readonly (() => Promise<unknown>)[],
  round: number,
): Promise<number[]> {
  const first = round % runs.length;
  const rotated = [...runs.entries()].map((_, index) => (first + index) % runs.length);
  // Every other time around backwards: nobody always follows the same neighbour.
  const order = Math.floor(round / runs.length) % 2 === 0 ? rotated : rotated.toReversed();
  const took: number[] = [];
  for (const index of order) {
    const start = performance.now();
    await runs[index]?.();
    took[index] = performance.now() - start;
  }
  return took;
}

interface Pair {
  readonly reference: number;
  readonly variant: number;
}

function pairIn(took: readonly number[], index: number): Pair {
  return { reference: took[0] ?? Number.NaN, variant: took[index] ?? Number.NaN };
}

function timesOf(pairs: readonly Pair[]): RoundTimes {
  const ratios = pairs.map(({ reference, variant }) => variant / reference);
  return {
    rounds: pairs.length,
    ratio: median(ratios),
    interval: medianInterval(ratios),
    referenceMs: median(pairs.map(({ reference }) => reference)),
    variantMs: median(pairs.map(({ variant }) => variant)),
    differenceMs: median(pairs.map(({ reference, variant }) => variant - reference)),
  };
}
