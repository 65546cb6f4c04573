import type { RunRecord } from "@evenkeel/core";

import type { KeptRun } from "../keep/kept-run.ts";
import { parseRunReport } from "../keep/parse-run-report.ts";
import { findingOf } from "../review/finding.ts";
import type { RunReport } from "../run-report.ts";
import type { Outcome } from "./delivery.ts";
import type { JudgedRun } from "./judging.ts";

/** What becomes of an execution that a new input ended while it waited, or was dead. */
export function supersededOutcome(
  judge: (report: RunReport) => JudgedRun,
  now: () => number,
): (known: RunRecord | undefined, kept: KeptRun | undefined) => Outcome | undefined {
  return (known, kept) => {
    // One that came to its end by itself, in the meantime, keeps its own outcome.
    const open = known?.status === "running" || known?.status === "interrupted";
    if (known === undefined || kept === undefined || !open) return undefined;
    const endedAt = known.endedAt ?? new Date(now()).toISOString();
    const report: RunReport = { ...parseRunReport(kept.report), outcome: "superseded" };
    const { judgement } = judge(report);
    const record: RunRecord = { ...known, status: "superseded", endedAt };
    const judged = { ...kept, report, judgement, clean: false };
    return { record, kept: judged, finding: findingOf(record, judged), marked: false };
  };
}
