import type { CallDigest, TurnDigest } from "../turns/turn-digest.ts";
import { type LoopFinding, evidenceOf } from "./finding.ts";

/** A call that was made and answered within the last turns. */
interface RepeatEntry {
  call: string;
  answer: string;
  /** How often in a row it came back with this answer. */
  count: number;
  /** The same, with a repeat after a change in between counted half. */
  rounds: number;
  /** The turn it was made in last. */
  turn: number;
}

/** The calls of the last turns: at most 32 entries of about 90 bytes. */
export interface RepeatState {
  entries: readonly RepeatEntry[];
  /** The last turn in which a new call changed something; 0 for none. */
  changed: number;
}

export const emptyRepeatState: RepeatState = { entries: [], changed: 0 };

/** How far back a repeat is still one, and how much more patience polling gets. */
export interface RepeatOptions {
  /**
   * Turns that may lie between two equal calls. On the recorded runs a window of 12, with the half
   * weight after a change, steers 99 % of the runs with three equal calls and answers and none of
   * 75 successful coding runs; without both it would be 8 % of those. @default 12
   */
  window: number;
  /** Polls that weigh as much as one repeat. @default 6 */
  pollPatience: number;
}

export const defaultRepeatOptions: RepeatOptions = { window: 12, pollPatience: 6 };

const capacity = 32;

/** What a repeat after a change in between weighs: tests run again after an edit are work. */
const afterChange = 0.5;

/**
 * Counts equal calls that got an equal answer. An answer that differs is progress and starts the
 * count again; a repeat after something else was changed weighs half. The calls of one turn count as
 * a set: the turn repeats only as often as the newest of its calls, so a turn that also asks
 * something new is no repeat.
 */
export function observeRepeats(
  state: RepeatState,
  digest: TurnDigest,
  turn: number,
  options: RepeatOptions = defaultRepeatOptions,
): { state: RepeatState; finding?: LoopFinding } {
  const kept = new Map(
    state.entries
      .filter((entry) => turn - entry.turn <= options.window)
      .map((entry) => [entry.call, entry]),
  );
  let changed = state.changed;
  let newest: { call: CallDigest; entry: RepeatEntry } | undefined;
  for (const call of distinctCalls(digest)) {
    if (call.answer === undefined) continue;
    const earlier = kept.get(call.fingerprint.loose);
    const entry = count(earlier, call, turn, state.changed);
    kept.delete(entry.call);
    kept.set(entry.call, entry);
    if (call.changes && earlier === undefined) changed = turn;
    if (newest === undefined || entry.rounds < newest.entry.rounds) newest = { call, entry };
  }
  const next = { entries: [...kept.values()].slice(-capacity), changed };
  if (newest === undefined || newest.entry.count < 2) return { state: next };
  return { state: next, finding: repeatFinding(newest, digest, options) };
}

function count(
  earlier: RepeatEntry | undefined,
  call: CallDigest,
  turn: number,
  changed: number,
): RepeatEntry {
  const fresh = { call: call.fingerprint.loose, answer: call.answer ?? "", turn };
  if (earlier === undefined || (earlier.answer !== call.answer && !call.blocked)) {
    return { ...fresh, count: 1, rounds: 1 };
  }
  const weight = changed > earlier.turn ? afterChange : 1;
  const { answer } = earlier;
  return { ...fresh, answer, count: earlier.count + 1, rounds: earlier.rounds + weight };
}

function repeatFinding(
  { call, entry }: { call: CallDigest; entry: RepeatEntry },
  digest: TurnDigest,
  options: RepeatOptions,
): LoopFinding {
  const waiting = digest.calls.some((one) => one.waiting);
  const kind = call.failed ? "same-call-same-error" : "same-call-same-result";
  return {
    kind: waiting ? "waiting" : kind,
    count: entry.count,
    rounds: Math.floor(waiting ? entry.rounds / options.pollPatience : entry.rounds),
    tools: [...new Set(digest.calls.map((one) => one.tool))].slice(0, 6),
    // A poll that is answered with its earlier result would never see the work finish.
    calls: waiting
      ? []
      : [...new Set(digest.calls.map((one) => one.fingerprint.loose))].slice(0, 6),
    evidence: evidenceOf(call),
  };
}

function distinctCalls(digest: TurnDigest): CallDigest[] {
  return [...new Map(digest.calls.map((call) => [call.fingerprint.loose, call])).values()];
}
