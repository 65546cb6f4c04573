import type { EvenkeelEvent } from "@evenkeel/core";

const rungs = ["none", "steer", "block", "stop"] as const;

/** A rung of the ladder. */
export type Rung = (typeof rungs)[number];

/** What loop detection reported of a run, which could not react to it. */
export interface SeenLoops {
  /** The highest rung that would have been reached. */
  action: Rung;
  /** A loop, or a call made for the third time with the same result, was reported. */
  noticed: boolean;
  /** The heaviest pattern and the call it was seen at. */
  worst: { kind: string; rounds: number; step: number } | undefined;
  /** Pairs [k-1, k] of calls of which the second repeats the first; k counts from 0. */
  pairs: [number, number][];
}

interface LoopDetail {
  action: Rung;
  kind: string;
  count: number;
  rounds: number;
  step: number;
  repeats: { step: number }[];
}

/** Reads what a run's events say about loops. */
export function loopsIn(events: readonly EvenkeelEvent[]): SeenLoops {
  const seen: SeenLoops = { action: "none", noticed: false, worst: undefined, pairs: [] };
  for (const { name, detail } of events) {
    if (name !== "loop-detected" || detail["answered"] === true) continue;
    const { action, kind, count, rounds, step, repeats } = detail as unknown as LoopDetail;
    if (rungs.indexOf(action) > rungs.indexOf(seen.action)) seen.action = action;
    seen.noticed ||= action !== "none" || count >= 3;
    if (kind !== "repeat" && rounds > (seen.worst?.rounds ?? 0))
      seen.worst = { kind, rounds, step };
    for (const { step: second } of repeats) if (second > 0) seen.pairs.push([second - 1, second]);
  }
  return seen;
}

/** True where a run reached a rung or a higher one. */
export function reached({ action }: SeenLoops, rung: Rung): boolean {
  return rungs.indexOf(action) >= rungs.indexOf(rung);
}
