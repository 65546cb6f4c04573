/** A looping agent is told what it repeats, then blocked, then stopped. */
export type { LoopFinding, LoopKind } from "./finding.ts";
export type { LoopKey } from "./fingerprint.ts";
export type { LadderAction, LadderDecision, LadderThresholds } from "./ladder.ts";
export { normalizeResult } from "./normalize-result.ts";
