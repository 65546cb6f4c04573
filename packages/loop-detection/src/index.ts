/** A looping agent is told what it repeats, then blocked, then stopped. */
export type { LoopKind } from "./detectors/finding.ts";
export { LoopDetectionError } from "./errors.ts";
export type { LoopDetectionErrorCode } from "./errors.ts";
export type { LoopKey } from "./fingerprint/call.ts";
export type { LadderThresholds } from "./ladder/ladder.ts";
export type { LoopNotice } from "./ladder/message.ts";
export { loopDetectionMiddleware } from "./loop-detection.ts";
export { normalizeResult } from "./answers/normalize-result.ts";
export type { LoopDetectionMiddlewareOptions, LoopExitBehavior } from "./options.ts";
export type { AnsweredCall } from "./turns/turn-digest.ts";
