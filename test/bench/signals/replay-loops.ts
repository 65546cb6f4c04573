import type { LoopFinding } from "../../../packages/loop-detection/src/detectors/finding.ts";
import {
  emptyLoopState,
  observeTurn,
} from "../../../packages/loop-detection/src/detectors/loop-state.ts";
import { type LadderAction, decide } from "../../../packages/loop-detection/src/ladder/ladder.ts";
import { digestTurn } from "../../../packages/loop-detection/src/turns/turn-digest.ts";
import type { RunFacts } from "../../../packages/run-flags/src/run-facts.ts";

/** What loop detection makes of a recorded run, which cannot react to it. */
export interface LoopReplay {
  /** The highest rung reached. */
  action: LadderAction;
  /** Three equal calls with equal answers were seen, whether or not that was worth steering. */
  noticed: boolean;
  /** The heaviest finding and the call it was seen at. */
  worst: (LoopFinding & { step: number }) | undefined;
  /** Pairs [k-1, k] of calls of which the second repeats the first; k counts from 0. */
  pairs: [number, number][];
}

const rungs: readonly LadderAction[] = ["none", "steer", "block", "stop"];

/** Folds a run's turns through the detectors, as the middleware does turn by turn. */
export function replayLoops(turns: RunFacts["turns"]): LoopReplay {
  let state = emptyLoopState;
  let step = 0;
  let action: LadderAction = "none";
  let worst: LoopReplay["worst"];
  let noticed = false;
  const pairs: [number, number][] = [];
  for (const turn of turns) {
    const observed = observeTurn(state, digestTurn(turn));
    state = observed.state;
    const decision = decide(observed.findings);
    if (rungs.indexOf(decision.action) > rungs.indexOf(action)) action = decision.action;
    for (const finding of observed.findings) {
      noticed ||= finding.kind.startsWith("same-call") && finding.count >= 3;
      if (finding.rounds > (worst?.rounds ?? 0)) worst = { ...finding, step };
    }
    for (const { index } of observed.resends) pairs.push([step + index - 1, step + index]);
    step += turn.calls.length;
  }
  return { action, noticed, worst, pairs };
}
