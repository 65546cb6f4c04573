import type { LoopFinding } from "../detectors/finding.ts";

/** When each rung is reached, in equal rounds; `false` leaves a rung out. */
export interface LadderThresholds {
  /** Equal rounds after which the model is told. @default 3 */
  steerAfter: number | false;
  /** Equal rounds after which the call is answered instead of executed. @default 5 */
  blockAfter: number | false;
  /** Equal rounds after which the run is stopped. @default 8 */
  stopAfter: number | false;
}

/** What to do about a loop, mildest first. */
export type LadderAction = "none" | "steer" | "block" | "stop";

/** The rung a run stands on after its newest turn. */
export interface LadderDecision {
  action: LadderAction;
  /** The finding that led here; absent for `none`. */
  finding?: LoopFinding;
  /** Loose fingerprints of calls that are to be answered instead of executed. */
  blocked: readonly string[];
}

const defaultThresholds: LadderThresholds = { steerAfter: 3, blockAfter: 5, stopAfter: 8 };

/**
 * Decides from the newest turn's findings alone, so a turn that makes progress steps off the ladder
 * at once. The heaviest finding counts; findings that name no call to block stay at `steer` until
 * they reach `stop`.
 */
export function decide(
  findings: readonly LoopFinding[],
  thresholds: LadderThresholds = defaultThresholds,
): LadderDecision {
  const heaviest = findings.reduce<LoopFinding | undefined>(
    (worst, finding) => (worst === undefined || finding.rounds > worst.rounds ? finding : worst),
    undefined,
  );
  if (heaviest === undefined) return { action: "none", blocked: [] };
  const reached = (after: number | false, finding: LoopFinding = heaviest): boolean =>
    after !== false && finding.rounds >= after;
  const blocked = [
    ...new Set(
      findings
        .filter((finding) => reached(thresholds.blockAfter, finding))
        .flatMap((finding) => finding.calls),
    ),
  ];
  if (reached(thresholds.stopAfter)) return { action: "stop", finding: heaviest, blocked };
  if (blocked.length > 0) return { action: "block", finding: heaviest, blocked };
  if (reached(thresholds.steerAfter)) return { action: "steer", finding: heaviest, blocked };
  return { action: "none", blocked };
}
