import { preview } from "../ladder/preview.ts";
import type { TurnDigest } from "../turns/turn-digest.ts";
import type { LoopFinding } from "./finding.ts";

/** The last reply without calls and how often it came in a row. */
export interface RepeatedTextState {
  text: string;
  count: number;
}

export const emptyRepeatedTextState: RepeatedTextState = { text: "", count: 0 };

/** Counts replies that say the same without calling a tool; any other reply ends the series. */
export function observeText(
  state: RepeatedTextState,
  digest: TurnDigest,
): { state: RepeatedTextState; finding?: LoopFinding } {
  if (digest.text === undefined) return { state: emptyRepeatedTextState };
  const count = state.text === digest.text ? state.count + 1 : 1;
  const next = { text: digest.text, count };
  if (count < 2) return { state: next };
  return {
    state: next,
    finding: {
      kind: "repeated-text",
      count,
      rounds: count,
      tools: [],
      calls: [],
      evidence: { arguments: "", answer: preview(digest.said) },
    },
  };
}
