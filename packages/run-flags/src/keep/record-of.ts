import type { RunRecord } from "@evenkeel/core";

import type { FlagContext } from "../options.ts";
import type { RunReport } from "../run-report.ts";
import { withKept } from "./kept-run.ts";
import type { RecordKeeper } from "./record-keeper.ts";

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

/** Marks the record of an execution that a new input ended while it waited or was dead. */
export function recordSuperseded(
  keeper: RecordKeeper,
  executionId: string,
  now: () => number,
): void {
  void keeper.change(executionId, (known, kept) => {
    if (known === undefined || kept === undefined) return undefined;
    const endedAt = known.endedAt ?? new Date(now()).toISOString();
    const report: RunReport = { ...kept.report, outcome: "superseded" };
    return withKept({ ...known, status: "superseded", endedAt }, { ...kept, report });
  });
}
