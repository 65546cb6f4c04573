import type { RecordStore, RunRecord } from "@evenkeel/core";

import { RunFlagsError } from "../errors.ts";
import { judge } from "../judge.ts";
import type { Flag } from "../rules/flag-rule.ts";
import { type KeptRun, keptRun, withKept } from "./kept-run.ts";

/** What {@link sweepStale} is told. */
export interface SweepOptions {
  store: RecordStore;
  /** Milliseconds since the start, or the pause, after which an execution counts as stale: longer than any run takes. */
  olderThanMs: number;
  /** Milliseconds since the epoch. @default Date.now */
  clock?: () => number;
}

/** An execution the sweep found. */
export interface SweptRun {
  executionId: string;
  outcome: "died" | "interrupted";
  flags: readonly Flag[];
}

const READ_RUNS = 500;

/**
 * Finds executions that never ended: one still at work after so long died with its process and is
 * recorded and judged as such; one still waiting for a person is flagged `paused-too-long`. Run
 * twice, it finds each once.
 *
 * Error behavior: `invalid-options` for an age that is none; what the store throws goes through; a
 * record of a later release is left alone.
 */
export async function sweepStale({
  store,
  olderThanMs,
  clock = Date.now,
}: SweepOptions): Promise<SweptRun[]> {
  if (!(olderThanMs > 0)) {
    throw new RunFlagsError({
      code: "invalid-options",
      message: `sweepStale: option "olderThanMs": ${String(olderThanMs)} came; allowed is a number of milliseconds above 0.`,
    });
  }
  const now = clock();
  const swept: SweptRun[] = [];
  for (const status of ["running", "interrupted"] as const) {
    for (const record of await store.listRecords({ status, limit: READ_RUNS })) {
      const kept = readable(record);
      const since = Date.parse(record.endedAt ?? kept?.report.endedAt ?? record.startedAt);
      if (kept === undefined || !(now - since > olderThanMs)) continue;
      const found =
        status === "running" ? died(record, kept, now) : paused(record, kept, now - since);
      if (found === undefined) continue;
      await store.putRecord(found.record);
      swept.push(found.run);
    }
  }
  return swept;
}

interface Found {
  readonly record: RunRecord;
  readonly run: SweptRun;
}

function readable(record: RunRecord): KeptRun | undefined {
  try {
    return keptRun(record);
  } catch {
    return undefined;
  }
}

function died(record: RunRecord, kept: KeptRun, now: number): Found {
  const report = { ...kept.report, outcome: "died" as const };
  const judgement = judge(report, undefined);
  const endedAt = new Date(now).toISOString();
  return {
    record: withKept(
      { ...record, status: "failed", endedAt },
      { ...kept, report, judgement, clean: false },
    ),
    run: { executionId: record.executionId, outcome: "died", flags: judgement.flags },
  };
}

function paused(record: RunRecord, kept: KeptRun, waitedMs: number): Found | undefined {
  if (kept.judgement !== null) return undefined;
  const flag: Flag = {
    rule: "paused-too-long",
    failureClass: "planning",
    strength: 1,
    severity: "high",
    evidence: `It has waited ${Math.round(waitedMs / 60_000)} minutes for a person.`,
    step: kept.report.calls.at(-1)?.step ?? null,
  };
  const { score } = judge(kept.report, undefined);
  const judgement = { score, flags: [flag], flagged: true, severity: flag.severity, broken: [] };
  return {
    record: withKept(record, { ...kept, judgement }),
    run: { executionId: record.executionId, outcome: "interrupted", flags: [flag] },
  };
}
