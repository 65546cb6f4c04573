import { preview } from "../ladder/preview.ts";
import type { CallDigest } from "../turns/turn-digest.ts";

/** The patterns that are looked for. */
export const LOOP_KINDS = [
  "same-call-same-result",
  "same-call-same-error",
  "waiting",
  "same-error",
  "cycle",
  "unknown-tool",
  "repeated-text",
  "no-news",
] as const;

/** Which pattern was seen. */
export type LoopKind = (typeof LOOP_KINDS)[number];

/** What a detector saw in the newest turn. */
export interface LoopFinding {
  kind: LoopKind;
  /** How often, in the detector's own unit: calls, laps, failures, turns. */
  count: number;
  /** The count on the ladder's scale: how many identical rounds this weighs. */
  rounds: number;
  /** The tools involved, at most 6. */
  tools: string[];
  /** Loose fingerprints of the calls that would be pointless to execute again, at most 6. */
  calls: string[];
  /** What was sent and what came back, cut to 160 characters each; quoted in the steering message. */
  evidence: { arguments: string; answer: string };
}

/** What a finding quotes of a call: what was sent and what came back. */
export function evidenceOf(call: CallDigest | undefined): LoopFinding["evidence"] {
  return {
    arguments: preview(call?.fingerprint.text ?? ""),
    answer: preview(call?.answerText ?? ""),
  };
}
