import type { CallDigest, TurnDigest } from "../turns/turn-digest.ts";
import { type LoopFinding, evidenceOf } from "./finding.ts";
import { type KeptCall, shortened } from "./repeats.ts";

/** How many turns in a row taught nothing. */
export interface NewsState {
  quiet: number;
}

export const emptyNewsState: NewsState = { quiet: 0 };

/**
 * Counts turns that taught the run nothing: every answer was one that a call of late had, and came
 * from a call that failed, found nothing or was made before. It sees the loops in which the arguments
 * keep changing; batch work, new calls with one and the same success, is not among them.
 */
export function observeNews(
  state: NewsState,
  digest: TurnDigest,
  known: readonly KeptCall[],
  turnsARound: number,
): { state: NewsState; finding?: LoopFinding } {
  const answered = digest.calls.filter((call) => call.answer !== undefined && !call.waiting);
  const last = answered.at(-1);
  if (last === undefined) return { state };
  const quiet = answered.some((call) => isNews(call, known)) ? 0 : state.quiet + 1;
  if (quiet < turnsARound) return { state: { quiet } };
  return {
    state: { quiet },
    finding: {
      kind: "no-news",
      count: quiet,
      rounds: Math.floor(quiet / turnsARound),
      tools: [...new Set(answered.map((call) => call.tool))].slice(0, 6),
      calls: [],
      evidence: evidenceOf(last),
    },
  };
}

function isNews(call: CallDigest, known: readonly KeptCall[]): boolean {
  if (call.failed || call.blocked) return false;
  const answer = shortened(call.answer ?? "");
  // By index: taking 64 tuples apart costs more than all other detectors together.
  if (!known.some((entry) => entry[1] === answer)) return true;
  const made = shortened(call.fingerprint.loose);
  return !call.nothing && !known.some((entry) => entry[0] === made);
}
