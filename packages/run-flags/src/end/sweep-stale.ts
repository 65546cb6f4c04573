import type { RecordStore, RunRecord, Severity } from "@evenkeel/core";

import { RunFlagsError } from "../errors.ts";
import { judge } from "../judge.ts";
import { eachRecord } from "../keep/each-record.ts";
import { type KeptRun, keptRun } from "../keep/kept-run.ts";
import { recordKeeper } from "../keep/record-keeper.ts";
import type { RuleOptions } from "../options.ts";
import { findingOf } from "../review/finding.ts";
import { createOutbox } from "../review/outbox.ts";
import { type ReviewersOptions, reviewersOf } from "../review/reviewers.ts";
import type { Flag } from "../rules/flag-rule.ts";
import { type Delivery, type Outcome, deliveryOf } from "./delivery.ts";
import { judgeRun } from "./judging.ts";

/** What {@link sweepStale} is told. */
export interface SweepOptions extends ReviewersOptions {
  store: RecordStore;
  /** Milliseconds since the start, or the pause, after which an execution counts as stale: longer than any run takes. */
  olderThanMs: number;
  /** The rules of the middleware. @default every built-in rule */
  rules?: RuleOptions;
  /** From which severity on a single finding flags a run. @default "high" */
  severity?: Severity;
  /** Hears what could not be told or kept; the next sweep tries again. @default ignored */
  onError?: (error: unknown) => void;
  /** Milliseconds since the epoch. @default Date.now */
  clock?: () => number;
}

/** An execution the sweep found. */
export interface SweptRun {
  executionId: string;
  outcome: "died" | "interrupted";
  flags: readonly Flag[];
}

/** How far back, and among how many of the newest executions, untold findings are looked for. */
const REPEAT_FOR_MS = 86_400_000;
const REPEAT_AMONG = 5_000;

/**
 * Finds executions that never ended: one still at work after so long died with its process and is
 * recorded, judged and sent to review as such; one still waiting for a person is flagged
 * `paused-too-long`. What an earlier process found and died before it could tell is told now. Run
 * twice, it finds and tells each once.
 *
 * Error behavior: `invalid-options` for an age that is none; what listing records throws goes
 * through; a record of a later release is left alone.
 */
export async function sweepStale(options: SweepOptions): Promise<SweptRun[]> {
  const { store, olderThanMs, clock = Date.now, onError = () => undefined } = options;
  if (!(olderThanMs > 0)) {
    throw new RunFlagsError({
      code: "invalid-options",
      message: `sweepStale: option "olderThanMs": ${String(olderThanMs)} came; allowed is a number of milliseconds above 0.`,
    });
  }
  const now = clock();
  const before = { startedAt: new Date(now - olderThanMs).toISOString(), executionId: "" };
  const delivery = deliveryOf(
    recordKeeper(store, onError),
    reviewersOf(options, createOutbox({ onError })),
  );
  const swept: SweptRun[] = [];
  for (const status of ["running", "interrupted"] as const) {
    for await (const listed of eachRecord(store, { status, before })) {
      await delivery.deliver(listed.executionId, (record = listed) => {
        const found = record.status === status ? stale(record, options, now) : undefined;
        if (found !== undefined) swept.push(found.run);
        return found?.outcome;
      });
    }
  }
  await repeatUntold(delivery, options, now);
  return swept;
}

interface Found {
  readonly outcome: Outcome;
  readonly run: SweptRun;
}

function stale(record: RunRecord, options: SweepOptions, now: number): Found | undefined {
  const kept = readable(record);
  if (kept === undefined) return undefined;
  const since = Date.parse(record.endedAt ?? kept.report.endedAt);
  const ageMs = now - (Number.isNaN(since) ? Date.parse(record.startedAt) : since);
  if (!(ageMs > options.olderThanMs)) return undefined;
  if (record.status === "running") return died(record, kept, options, now);
  return kept.judgement === null ? paused(record, kept, ageMs) : undefined;
}

function readable(record: RunRecord): KeptRun | undefined {
  try {
    return keptRun(record);
  } catch {
    return undefined;
  }
}

function died(
  record: RunRecord,
  kept: KeptRun,
  { rules = {}, severity = "high" }: SweepOptions,
  now: number,
): Found {
  const report = { ...kept.report, outcome: "died" as const };
  const { add = [], without = [], limits = {} } = rules;
  const { judgement } = judgeRun(report, { severity, limits, without }, add, undefined);
  return foundOf(
    { ...record, status: "failed", endedAt: new Date(now).toISOString() },
    { ...kept, report, judgement, clean: false },
    "died",
  );
}

function paused(record: RunRecord, kept: KeptRun, waitedMs: number): Found {
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
  return foundOf(record, { ...kept, judgement }, "interrupted");
}

function foundOf(record: RunRecord, kept: KeptRun, outcome: SweptRun["outcome"]): Found {
  const finding = findingOf(record, kept);
  return {
    outcome: { record, kept, finding, marked: false },
    run: { executionId: record.executionId, outcome, flags: finding.flags },
  };
}

async function repeatUntold(
  delivery: Delivery,
  { store, langsmith, routes = [], olderThanMs }: SweepOptions,
  now: number,
): Promise<void> {
  if (langsmith === undefined && routes.length === 0) return;
  const since = new Date(now - REPEAT_FOR_MS).toISOString();
  for await (const record of eachRecord(store, { since }, REPEAT_AMONG)) {
    const kept = readable(record);
    const ended = Date.parse(record.endedAt ?? "");
    if (kept?.review?.state !== "due" || !(now - ended > olderThanMs)) continue;
    await delivery.repeat(
      record,
      kept,
      findingOf(record, kept, kept.review.key === "sample" ? 1 : 0),
    );
  }
}
