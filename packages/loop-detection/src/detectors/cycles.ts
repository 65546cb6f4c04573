import { shortHash } from "../fingerprint/short-hash.ts";
import type { TurnDigest } from "../turns/turn-digest.ts";
import { type LoopFinding, evidenceOf } from "./finding.ts";
import { shortened } from "./repeats.ts";

const longestPeriod = 6;

/** The last 6 turns and, for the periods 2 to 6, how many turns in a row equalled the one a period before. */
export interface CycleState {
  /** Newest last. */
  recent: readonly string[];
  matches: readonly number[];
}

export const emptyCycleState: CycleState = { recent: [], matches: [0, 0, 0, 0, 0] };

/**
 * Sees a run go round in circles: two to six turns, calls and answers, that come back in the same
 * order. A lap with one changed answer is not a lap.
 */
export function observeCycle(
  state: CycleState,
  digest: TurnDigest,
): { state: CycleState; finding?: LoopFinding } {
  const key = turnKey(digest);
  if (key === undefined) return { state };
  const matches = state.matches.map((count, index) =>
    state.recent.at(-(index + 2)) === key ? count + 1 : 0,
  );
  const standsStill = state.recent.at(-1) === key;
  const next = { recent: [...state.recent, key].slice(-longestPeriod), matches };
  const index = matches.findIndex((count, at) => count >= at + 2);
  if (index === -1 || standsStill) return { state: next };
  const laps = Math.floor((matches[index] ?? 0) / (index + 2)) + 1;
  return { state: next, finding: cycleFinding(digest, laps) };
}

function cycleFinding(digest: TurnDigest, laps: number): LoopFinding {
  const [first] = digest.calls;
  return {
    kind: "cycle",
    count: laps,
    rounds: laps,
    tools: [...new Set(digest.calls.map((call) => call.tool))].slice(0, 6),
    calls: [...new Set(digest.calls.map((call) => call.fingerprint.loose))].slice(0, 6),
    evidence: evidenceOf(first),
  };
}

function turnKey(digest: TurnDigest): string | undefined {
  if (digest.calls.some((call) => call.answer === undefined || call.waiting)) return undefined;
  if (digest.calls.length === 0) return digest.text;
  const set = digest.calls.map(
    ({ fingerprint, answer = "" }) => shortened(fingerprint.loose) + shortened(answer),
  );
  if (set.length === 1) return set[0];
  return shortHash([...new Set(set)].toSorted().join("\n"));
}
