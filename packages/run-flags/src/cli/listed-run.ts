import type { RecordStore, RunRecord, Severity } from "@evenkeel/core";

import { eachRecord } from "../keep/each-record.ts";
import { type KeptRun, keptRun } from "../keep/kept-run.ts";
import { findingOf } from "../review/finding.ts";
import { reasonsOf } from "../review/marks.ts";
import { SEVERITIES } from "../review/routes.ts";
import type { Flag } from "../rules/flag-rule.ts";
import type { ListQuery } from "./command-line.ts";

/** A flagged run as `list` shows it. */
export interface ListedRun {
  executionId: string;
  threadId: string | null;
  scope: string;
  outcome: string;
  startedAt: string;
  endedAt: string | null;
  severity: Severity;
  score: number;
  reasons: string[];
  flags: readonly Flag[];
  /** The run in LangSmith, where it was traced. */
  runId: string | null;
  configHash: string | null;
}

/** The flagged runs of a store that fit a query, newest first, and how many records could not be read. */
export async function listFlagged(
  store: Pick<RecordStore, "listRecords">,
  { severity, reason, since, limit }: ListQuery,
): Promise<{ runs: ListedRun[]; unread: number }> {
  const from = since === undefined ? {} : { since: new Date(since).toISOString() };
  const runs: ListedRun[] = [];
  let unread = 0;
  for await (const record of eachRecord(store, from)) {
    const kept = readable(record);
    if (kept === null) unread += 1;
    const run = kept === undefined || kept === null ? undefined : listed(record, kept);
    if (run === undefined) continue;
    const grave = SEVERITIES.indexOf(run.severity) >= SEVERITIES.indexOf(severity);
    if (!grave || (reason !== undefined && !run.reasons.includes(reason))) continue;
    runs.push(run);
    if (runs.length >= limit) break;
  }
  return { runs, unread };
}

function readable(record: RunRecord): KeptRun | undefined | null {
  try {
    return keptRun(record);
  } catch {
    return null;
  }
}

function listed(record: RunRecord, kept: KeptRun): ListedRun | undefined {
  const finding = findingOf(record, kept);
  if (!finding.flagged) return undefined;
  const { executionId, threadId, outcome, severity, score, flags } = finding;
  return {
    executionId,
    threadId,
    scope: record.scope,
    outcome,
    startedAt: record.startedAt,
    endedAt: record.endedAt,
    severity,
    score,
    reasons: reasonsOf(finding),
    flags,
    runId: kept.trace?.runId ?? null,
    configHash: record.manifestHash,
  };
}
