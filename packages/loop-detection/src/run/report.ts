import type { EventFields } from "@evenkeel/core";

import type { LadderAction } from "../ladder/ladder.ts";
import type { LoopContext } from "../options.ts";
import type { Conversation } from "./conversation.ts";
import type { NewestTurn } from "./read-on.ts";

type Severity = NonNullable<EventFields["severity"]>;

const SEVERITY: Record<LadderAction, Severity> = {
  none: "info",
  steer: "low",
  block: "medium",
  stop: "high",
};

/**
 * Reports a turn that repeats: at a rung with what is done about it, below the first one as a mere
 * fact, where a call was made like the one before it or for the third time with the same result.
 */
export function report(
  { action, finding, loop, blocked }: Conversation,
  { findings, resends, firstCall }: NewestTurn,
  { emit }: LoopContext,
): void {
  const noticed =
    finding ?? findings.find(({ kind, count }) => kind.startsWith("same-call") && count >= 3);
  const repeats = resends.map(({ index, kind }) => ({ step: firstCall + index, kind }));
  if (noticed === undefined && repeats.length === 0) return;
  emit("loop-detected", {
    severity: SEVERITY[action],
    ...(action === "none" ? {} : { failure: "planning" }),
    detail: {
      action,
      turn: loop.turn,
      step: firstCall,
      repeats,
      ...(noticed === undefined
        ? {}
        : {
            kind: noticed.kind,
            count: noticed.count,
            rounds: noticed.rounds,
            tools: noticed.tools,
          }),
      blocked: Object.keys(blocked).length,
    },
  });
}
