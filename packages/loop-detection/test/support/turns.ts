import type { LoopFinding } from "../../src/detectors/finding.ts";
import {
  type DetectorOptions,
  type LoopState,
  emptyLoopState,
  observeTurn,
} from "../../src/detectors/loop-state.ts";
import { type LadderAction, decide } from "../../src/ladder/ladder.ts";
import {
  type DigestOptions,
  type ObservedCall,
  type ObservedTurn,
  digestTurn,
} from "../../src/turns/turn-digest.ts";

/** A turn of one call that was answered. */
export function called(tool: string, callArguments: unknown, result: string): ObservedTurn {
  return { text: "", calls: [{ tool, arguments: callArguments, result }] };
}

/** A turn of one call that failed. */
export function failed(tool: string, callArguments: unknown, result: string): ObservedTurn {
  return { text: "", calls: [{ tool, arguments: callArguments, result, failed: true }] };
}

/** A turn of several calls at once. */
export function parallel(...calls: ObservedCall[]): ObservedTurn {
  return { text: "", calls };
}

/** A reply without calls. */
export function said(text: string): ObservedTurn {
  return { text, calls: [] };
}

/** Folds turns and reports what the last one showed, the state, and the highest rung on the way. */
export function fold(
  turns: readonly ObservedTurn[],
  options: DetectorOptions & DigestOptions = {},
): { findings: LoopFinding[]; state: LoopState; actions: LadderAction[] } {
  let state = emptyLoopState;
  let findings: LoopFinding[] = [];
  const actions: LadderAction[] = [];
  for (const turn of turns) {
    const observed = observeTurn(state, digestTurn(turn, options), options);
    // Every step goes through JSON, as it does through a checkpoint.
    state = JSON.parse(JSON.stringify(observed.state)) as LoopState;
    findings = observed.findings;
    actions.push(decide(findings).action);
  }
  return { findings, state, actions };
}

/** Repeats turns, laps times. */
export function laps(count: number, turns: readonly ObservedTurn[]): ObservedTurn[] {
  return Array.from({ length: count }, () => turns).flat();
}

/** A small seeded generator of numbers below `limit`. */
export function seeded(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
