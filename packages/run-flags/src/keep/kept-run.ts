import type { FailureClass, RunRecord } from "@evenkeel/core";

import { RunFlagsError } from "../errors.ts";
import { type CallSums, NO_CALLS } from "../gather/call-sums.ts";
import type { Judgement } from "../judge.ts";
import type { RunReport } from "../run-report.ts";
import { parseRunReport } from "./parse-run-report.ts";

/** Why a person wants a run looked at. */
export interface PersonFlag {
  id: string;
  /** ISO 8601, UTC. */
  at: string;
  reason: string;
  comment: string;
  actor: string;
  /** @default "unknown" */
  failureClass?: FailureClass;
  /** The tool that lacks something, where one can be told. */
  tool?: string;
  /** What it lacks, in the words of who missed it. */
  field?: string;
}

/** Where an execution is found in LangSmith. */
export interface KeptTrace extends TracedRun {
  /** The project, by name. */
  project: string | null;
  /** The highest run the last process closed, where that is another one: the execution was resumed. */
  part: TracedRun | null;
}

/** A run in LangSmith. */
export interface TracedRun {
  runId: string;
  /** ISO 8601, UTC. */
  startTime: string | null;
}

/** What reviewers were told of an execution. */
export interface KeptReview {
  /** Names what was said; empty where an earlier flag was taken back. */
  key: string;
  /** `due` until everyone has it: a process that dies in between leaves it for the sweep. */
  state: "due" | "sent";
  /** The routes have it, whatever LangSmith has. */
  routed: boolean;
}

/** What run-flags keeps of an execution, under `facts.runFlags` of its record. */
export interface KeptRun {
  v: 1;
  report: RunReport;
  /** Calls of all processes, those included that no message tells of. */
  sums: CallSums;
  /** Null while it runs or waits. */
  judgement: Judgement | null;
  /** It may stand as an example of a good run. */
  clean: boolean;
  people: PersonFlag[];
  /** It was observed only: the record is kept, and nobody is told. */
  observed: boolean;
  /** The run that stands for the execution, where it was traced. */
  trace: KeptTrace | null;
  review: KeptReview | null;
}

/** Reads what run-flags kept in a record; one that is damaged or of a later version is refused with a code. */
export function keptRun(record: RunRecord | undefined): KeptRun | undefined {
  const kept = keptParts(record);
  return kept === undefined ? undefined : { ...kept, report: parseRunReport(kept.report) };
}

/** The same without a look at the report, for whoever replaces it or leaves it as it is. */
export function keptParts(record: RunRecord | undefined): KeptRun | undefined {
  if (record !== undefined) assertKnown(record.executionId, record.v);
  const kept = record?.facts["runFlags"] as KeptRun | undefined;
  if (kept === undefined) return undefined;
  assertKnown(record?.executionId, kept.v);
  return {
    ...kept,
    sums: kept.sums ?? NO_CALLS,
    people: kept.people ?? [],
    observed: kept.observed ?? false,
    review: kept.review ?? null,
    trace: kept.trace ?? null,
  };
}

/** The record with what run-flags keeps; the facts of other middleware stay. */
export function withKept(record: RunRecord, kept: KeptRun): RunRecord {
  return { ...record, facts: { ...record.facts, runFlags: kept } };
}

function assertKnown(executionId: string | undefined, version: number): void {
  if (version === 1) return;
  throw new RunFlagsError({
    code: "run-report-version",
    message: `The record of ${executionId} holds run flags of version ${String(version)}; this release reads version 1. Upgrade @evenkeel/run-flags.`,
  });
}
