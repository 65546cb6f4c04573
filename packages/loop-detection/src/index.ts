/** A looping agent is told what it repeats, then blocked, then stopped. */
export type { LoopFinding, LoopKind } from "./detectors/finding.ts";
export type { LoopKey } from "./fingerprint/call.ts";
export type { LadderAction, LadderDecision, LadderThresholds } from "./ladder/ladder.ts";
export { normalizeResult } from "./answers/normalize-result.ts";
