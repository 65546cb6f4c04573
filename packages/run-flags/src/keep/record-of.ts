import type { RunRecord } from "@evenkeel/core";

import type { FlagContext } from "../options.ts";
import type { RunReport } from "../run-report.ts";

/** The record of an execution as it stands now; what others keep in its facts stays. */
export function recordOf(
  { execution }: FlagContext,
  known: RunRecord | undefined,
  report: RunReport,
  status: RunRecord["status"],
): RunRecord {
  const { id, threadId, scope, attempt, startedAt, manifestHash } = execution;
  return {
    v: 1,
    executionId: id,
    threadId,
    scope,
    attempt,
    status,
    startedAt,
    endedAt: status === "running" ? null : report.endedAt,
    manifestHash,
    facts: known?.facts ?? {},
  };
}
