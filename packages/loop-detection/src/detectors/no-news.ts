import type { CallDigest, TurnDigest } from "../turns/turn-digest.ts";
import { type LoopFinding, evidenceOf } from "./finding.ts";

/** What was asked and answered of late, as 8-character hashes, and how many turns in a row taught nothing. */
export interface NewsState {
  /** Answers, at most 48, newest last. */
  answers: readonly string[];
  /** Calls, at most 48, newest last. */
  calls: readonly string[];
  quiet: number;
}

export const emptyNewsState: NewsState = { answers: [], calls: [], quiet: 0 };

const capacity = 48;

/**
 * Counts turns that taught the run nothing: every answer was one of the last 48, and came from a
 * call that failed, found nothing or was made before. It sees the loops in which the arguments keep
 * changing; batch work, new calls with one and the same success, is not among them.
 */
export function observeNews(
  state: NewsState,
  digest: TurnDigest,
  turnsARound: number,
): { state: NewsState; finding?: LoopFinding } {
  const answered = digest.calls.filter((call) => call.answer !== undefined && !call.waiting);
  if (answered.length === 0) return { state };
  const quiet = answered.some((call) => isNews(call, state)) ? 0 : state.quiet + 1;
  const next = {
    answers: remember(state.answers, answered.map(answerKey)),
    calls: remember(state.calls, answered.map(callKey)),
    quiet,
  };
  if (quiet < turnsARound) return { state: next };
  const last = answered.at(-1);
  return {
    state: next,
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

function isNews(call: CallDigest, state: NewsState): boolean {
  if (call.failed || call.blocked) return false;
  if (!state.answers.includes(answerKey(call))) return true;
  return !call.nothing && !state.calls.includes(callKey(call));
}

function answerKey(call: CallDigest): string {
  return (call.answer ?? "").slice(0, 8);
}

function callKey(call: CallDigest): string {
  return call.fingerprint.loose.slice(0, 8);
}

function remember(known: readonly string[], keys: readonly string[]): string[] {
  const fresh = new Set(keys);
  return [...known.filter((key) => !fresh.has(key)), ...fresh].slice(-capacity);
}
