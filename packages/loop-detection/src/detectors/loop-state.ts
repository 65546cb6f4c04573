import type { TurnDigest } from "../turns/turn-digest.ts";
import { type CycleState, emptyCycleState, observeCycle } from "./cycles.ts";
import type { LoopFinding, LoopKind } from "./finding.ts";
import { type NewsState, emptyNewsState, observeNews } from "./no-news.ts";
import { type RepeatedTextState, emptyRepeatedTextState, observeText } from "./repeated-text.ts";
import {
  type RepeatState,
  defaultRepeatOptions,
  emptyRepeatState,
  observeRepeats,
} from "./repeats.ts";
import { type Resend, type ResendState, observeResends } from "./resend.ts";
import { type ErrorState, observeErrors } from "./same-error.ts";
import {
  type UnknownToolState,
  emptyUnknownToolState,
  observeUnknownTools,
} from "./unknown-tools.ts";

/** Everything the detectors remember, as plain JSON of at most about 4 KB, whatever the run's length. */
export interface LoopState {
  v: 1;
  /** Turns seen. */
  turn: number;
  repeats: RepeatState;
  cycle: CycleState;
  errors: ErrorState;
  unknownTools: UnknownToolState;
  text: RepeatedTextState;
  news: NewsState;
  previous?: ResendState;
}

/** What the newest turn showed. */
export interface LoopObservation {
  state: LoopState;
  findings: LoopFinding[];
  /** Calls of this turn that repeat the call before them. */
  resends: Resend[];
}

/** Which patterns are looked for, and how far back. */
export interface DetectorOptions {
  /** Patterns that are left out. @default [] */
  off?: readonly LoopKind[];
  /** Turns that may lie between two equal calls. @default 12 */
  window?: number;
  /** Polls that weigh as much as one repeat. @default 6 */
  pollPatience?: number;
  /** Turns without any new answer that weigh as much as one repeat. @default 4 */
  quietTurns?: number;
  /** Tools whose calls are never counted, by name. @default [] */
  exempt?: readonly string[];
}

/** A run that has not begun. */
export const emptyLoopState: LoopState = {
  v: 1,
  turn: 0,
  repeats: emptyRepeatState,
  cycle: emptyCycleState,
  errors: [],
  unknownTools: emptyUnknownToolState,
  text: emptyRepeatedTextState,
  news: emptyNewsState,
};

/** Folds one turn into the state and reports what it shows; cost and state do not grow with the run. */
export function observeTurn(
  state: LoopState,
  digest: TurnDigest,
  options: DetectorOptions = {},
): LoopObservation {
  const turn = state.turn + 1;
  const counted = withoutExempt(digest, options.exempt ?? []);
  const repeats = observeRepeats(state.repeats, counted, turn, {
    window: options.window ?? defaultRepeatOptions.window,
    pollPatience: options.pollPatience ?? defaultRepeatOptions.pollPatience,
  });
  const cycle = observeCycle(state.cycle, counted);
  const errors = observeErrors(state.errors, counted);
  const unknownTools = observeUnknownTools(state.unknownTools, counted);
  const text = observeText(state.text, digest);
  const news = observeNews(state.news, counted, state.repeats.entries, options.quietTurns ?? 4);
  const resends = observeResends(state.previous, digest);
  const findings: LoopFinding[] = [];
  for (const { finding } of [repeats, cycle, errors, unknownTools, text, news]) {
    if (finding !== undefined && options.off?.includes(finding.kind) !== true)
      findings.push(finding);
  }
  return {
    state: {
      v: 1,
      turn,
      repeats: repeats.state,
      cycle: cycle.state,
      errors: errors.state,
      unknownTools: unknownTools.state,
      text: text.state,
      news: news.state,
      ...(resends.state === undefined ? {} : { previous: resends.state }),
    },
    findings,
    resends: resends.resends,
  };
}

function withoutExempt(digest: TurnDigest, exempt: readonly string[]): TurnDigest {
  if (exempt.length === 0) return digest;
  return { ...digest, calls: digest.calls.filter((call) => !exempt.includes(call.tool)) };
}
