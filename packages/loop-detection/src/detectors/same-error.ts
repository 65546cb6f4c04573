import { shortHash } from "../fingerprint/short-hash.ts";
import type { CallDigest, TurnDigest } from "../turns/turn-digest.ts";
import { type LoopFinding, evidenceOf } from "./finding.ts";

/** A tool's unbroken series of failures of one class. */
interface ErrorSeries {
  tool: string;
  error: string;
  count: number;
}

/** The failing series, at most 8, one a tool. */
export type ErrorState = readonly ErrorSeries[];

const capacity = 8;

/** Failures with changing arguments that weigh as much as one equal round. */
const failuresARound = 2;

/**
 * Counts one tool's failures of one class in a row, whatever its arguments were. A call of that
 * tool which succeeds, or fails in another way, ends the series.
 */
export function observeErrors(
  state: ErrorState,
  digest: TurnDigest,
): { state: ErrorState; finding?: LoopFinding } {
  const series = new Map(state.map((entry) => [entry.tool, entry]));
  let worst: { call: CallDigest; count: number } | undefined;
  for (const call of digest.calls) {
    if (call.answer === undefined || call.blocked) continue;
    const earlier = series.get(call.tool);
    series.delete(call.tool);
    if (call.errorClass === undefined) continue;
    const error = shortHash(call.errorClass);
    const count = earlier?.error === error ? earlier.count + 1 : 1;
    series.set(call.tool, { tool: call.tool, error, count });
    if (worst === undefined || count > worst.count) worst = { call, count };
  }
  const next = [...series.values()].slice(-capacity);
  if (worst === undefined || worst.count < 2) return { state: next };
  const { call, count } = worst;
  return {
    state: next,
    finding: {
      kind: "same-error",
      count,
      rounds: Math.floor(count / failuresARound),
      tools: [call.tool],
      calls: [],
      evidence: evidenceOf(call),
    },
  };
}
