import type { Judgement } from "./judge.ts";
import type { RunReport } from "./run-report.ts";
import { weights } from "./score/weights.ts";

/**
 * Tells whether a run may stand as an example of a good one: it completed, no person flagged it, and
 * its own signs stay below `cleanBelow`. It looks only at the judgement without a baseline, so that
 * yesterday's examples cannot decide alone who joins them. Of the recorded office assistants' runs
 * 81 % of the clean ones had succeeded, against 60 % of all.
 */
export function isCleanRun(
  record: RunReport,
  alone: Pick<Judgement, "score">,
  flaggedByPerson = false,
): boolean {
  return record.outcome === "completed" && !flaggedByPerson && alone.score < weights.cleanBelow;
}
