import type { RootRunFacts } from "@evenkeel/core";

import type { KeptTrace, TracedRun } from "../keep/kept-run.ts";

/**
 * The run that stands for an execution in LangSmith. A resumed execution hangs below its first run,
 * where reviewers look for it; inside a caller's trace it is its own first run, since the caller's
 * may lie in another project.
 */
export function traceOf(root: RootRunFacts | null): KeptTrace | null {
  if (root === null) return null;
  const { id: runId, project, startTime, dottedOrder, firstDottedOrder } = root;
  const part = { runId, startTime };
  const joined = dottedOrder !== null && dottedOrder.includes(".");
  const first = joined ? segment(firstDottedOrder?.split(".").at(-1) ?? "") : undefined;
  return first === undefined || first.runId === runId
    ? { ...part, project, part: null }
    : { ...first, project, part };
}

/** A segment of a dotted order is the start of a run, to the microsecond, and its id. */
function segment(text: string): TracedRun | undefined {
  const [, year, month, day, hours, minutes, seconds, fraction, runId] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{6})Z([\da-f-]{36})$/.exec(text) ?? [];
  if (runId === undefined) return undefined;
  return {
    runId,
    startTime: `${year}-${month}-${day}T${hours}:${minutes}:${seconds}.${fraction}Z`,
  };
}
