import type { Rung } from "./seen-loops.ts";

/** What is predicted of a run; one line of the bench's output file. */
export interface Prediction {
  id: string;
  /** With the baseline of its siblings where there is enough history, alone otherwise. */
  score: number;
  scoreAlone: number;
  /** Names of the rules that spoke, when the run was marked for review; empty when it was not. */
  flags: string[];
  flagsAlone: string[];
  /** The highest rung of the ladder, and what led there; null where nothing looped. */
  loop: { action: Rung; kind: string; rounds: number; step: number } | null;
  /** A loop, or a call made for the third time with the same result, was reported. */
  loopNoticed: boolean;
  /** Pairs [k-1, k] of calls of which the second repeats the first. */
  loopPairs: [number, number][];
}
