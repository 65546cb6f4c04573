import type { CallDigest, TurnDigest } from "../turns/turn-digest.ts";
import { type LoopFinding, evidenceOf } from "./finding.ts";

/** A call that was made and answered, as it is kept. */
export type KeptCall = readonly [
  /** First 10 characters of the loose fingerprint. */
  call: string,
  /** First 10 characters of the answer's hash. */
  answer: string,
  /** How often in a row it came back with this answer. */
  count: number,
  /** The same within the window, with a repeat after a change in between counted half. */
  rounds: number,
  /** The turn it was made in last. */
  turn: number,
];

/** The calls made last, newest last: at most 64 of about 38 bytes. */
export interface RepeatState {
  entries: readonly KeptCall[];
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

const capacity = 64;

/** What a repeat after a change in between weighs: tests run again after an edit are work. */
const afterChange = 0.5;

/** What tells calls or answers of one run apart: about 47 bits of their hash. */
export function shortened(hash: string): string {
  return hash.slice(0, 10);
}

/**
 * Counts equal calls that got an equal answer. An answer that differs is progress and starts the
 * count again; a repeat after something else was changed weighs half, and one that is further back
 * than the window weighs nothing: it is counted, and no reason to act. The calls of one turn count as
 * a set: the turn repeats only as often as the newest of its calls, so a turn that also asks
 * something new is no repeat.
 */
export function observeRepeats(
  state: RepeatState,
  digest: TurnDigest,
  turn: number,
  options: RepeatOptions = defaultRepeatOptions,
): { state: RepeatState; finding?: LoopFinding } {
  let { entries, changed } = state;
  let newest: { call: CallDigest; count: number; rounds: number } | undefined;
  for (const call of distinctCalls(digest)) {
    if (call.answer === undefined) continue;
    const key = shortened(call.fingerprint.loose);
    const earlier = entries.find((entry) => entry[0] === key);
    const entry = countCall(earlier, [key, shortened(call.answer)], call.blocked, {
      turn,
      changed: state.changed,
      window: options.window,
    });
    const others = earlier === undefined ? entries : entries.filter((one) => one !== earlier);
    entries = [...others.slice(1 - capacity), entry];
    if (call.changes && earlier === undefined) changed = turn;
    const rounds = entry[3];
    if (newest === undefined || rounds < newest.rounds) {
      newest = { call, count: entry[2], rounds };
    }
  }
  const next = { entries, changed };
  if (newest === undefined || newest.count < 2) return { state: next };
  return { state: next, finding: repeatFinding(newest, digest, options) };
}

function countCall(
  earlier: KeptCall | undefined,
  [call, answer]: readonly [call: string, answer: string],
  blocked: boolean,
  { turn, changed, window }: { turn: number; changed: number; window: number },
): KeptCall {
  if (earlier === undefined) return [call, answer, 1, 1, turn];
  const [, before, count, rounds, last] = earlier;
  if (before !== answer && !blocked) return [call, answer, 1, 1, turn];
  if (turn - last > window) return [call, before, count + 1, 1, turn];
  return [call, before, count + 1, rounds + (changed > last ? afterChange : 1), turn];
}

function repeatFinding(
  { call, count, rounds }: { call: CallDigest; count: number; rounds: number },
  digest: TurnDigest,
  options: RepeatOptions,
): LoopFinding {
  const waiting = digest.calls.some((one) => one.waiting);
  const kind = call.failed ? "same-call-same-error" : "same-call-same-result";
  return {
    kind: waiting ? "waiting" : kind,
    count,
    rounds: Math.floor(waiting ? rounds / options.pollPatience : rounds),
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
