import type { EventFields } from "@evenkeel/core";

import type { LadderAction } from "../ladder/ladder.ts";
import type { LoopContext } from "../options.ts";
import type { Conversation } from "./conversation.ts";
import type { NewestTurn } from "./read-on.ts";

const SEVERITY: Record<LadderAction, NonNullable<EventFields["severity"]>> = {
  none: "info",
  steer: "low",
  block: "medium",
  stop: "high",
};

/** Equal calls with equal answers that are worth mentioning, however far apart. */
const noticedFrom = 3;

/**
 * Reports a turn that repeats: at a rung with what is done about it, below the first one as a mere
 * fact, where a call was made like the one before it or for the third time with the same result.
 */
export function report(
  { action, finding, loop }: Conversation,
  { findings, resends, firstCall, callId }: NewestTurn,
  { emit }: LoopContext,
): void {
  const threefold = findings.find(
    ({ kind, count }) => kind.startsWith("same-call") && count >= noticedFrom,
  );
  const seen = finding ?? threefold;
  const repeats = resends.map(({ index, kind }) => ({ step: firstCall + index, kind }));
  if (seen === undefined && repeats.length === 0) return;
  emit("loop-detected", {
    severity: SEVERITY[action],
    ...(callId === undefined ? {} : { callId }),
    ...(action === "none" ? {} : { failure: "planning" }),
    detail: {
      action,
      kind: seen?.kind ?? "repeat",
      count: seen?.count ?? 2,
      rounds: seen?.rounds ?? 1,
      tools: seen?.tools ?? [],
      turn: loop.turn,
      step: firstCall,
      repeats,
    },
  });
}
