import type { TurnDigest } from "../turns/turn-digest.ts";
import { type LoopFinding, evidenceOf } from "./finding.ts";

/** How many turns in a row asked for tools that do not exist. */
export interface UnknownToolState {
  turns: number;
  /** The names asked for, at most 5. */
  names: readonly string[];
}

export const emptyUnknownToolState: UnknownToolState = { turns: 0, names: [] };

/**
 * Counts turns whose every call names a tool that does not exist. There is nothing to learn from a
 * second try, so each such turn after the first weighs like two equal rounds.
 */
export function observeUnknownTools(
  state: UnknownToolState,
  digest: TurnDigest,
): { state: UnknownToolState; finding?: LoopFinding } {
  if (digest.calls.length === 0) return { state };
  if (digest.calls.some((call) => call.known)) return { state: emptyUnknownToolState };
  const names = [...new Set([...state.names, ...digest.calls.map((call) => call.tool)])].slice(-5);
  const turns = state.turns + 1;
  const next = { turns, names };
  if (turns < 2) return { state: next };
  const [first] = digest.calls;
  return {
    state: next,
    finding: {
      kind: "unknown-tool",
      count: turns,
      rounds: turns * 2 - 1,
      tools: names,
      calls: [...new Set(digest.calls.map((call) => call.fingerprint.loose))].slice(0, 6),
      evidence: evidenceOf(first),
    },
  };
}
