import type { RunReport } from "./run-report.ts";
import { runSize } from "./shape/run-size.ts";

/** What is remembered of one good run: about 1 to 3 KB. */
export interface BaselineEntry {
  v: 1;
  toolCalls: number;
  modelCalls: number;
  size: number;
  costUsd: number | null;
  latencyMs: number;
  answerCharacters: number;
  answered: boolean;
  /** Calls a tool that succeeded, by tool. */
  tools: Record<string, number>;
  /** Hashes of what tools were called with, at most 200. */
  facts: string[];
  /** Hashes of what the answer contained. */
  answerFacts: string[];
}

/** What comparable good runs have in common. */
export interface Baseline {
  runs: number;
  entries: readonly BaselineEntry[];
  /** Share of the runs that used a tool, by tool. */
  tools: ReadonlyMap<string, number>;
  /** Share of the runs that made a call with this fact. */
  facts: ReadonlyMap<string, number>;
  /** Share of the runs whose answer had this fact. */
  answerFacts: ReadonlyMap<string, number>;
}

/** How much history a baseline takes. */
export interface BaselineOptions {
  /** Newest good runs that count. @default 50 */
  lastRuns?: number;
  /** Good runs below which the baseline stays silent. @default 5 */
  minRuns?: number;
}

const maxFacts = 200;

/**
 * Where a run's history is looked up, most alike first: the same configuration, then the same graph
 * with the same tools. Modes and tenants never mix.
 */
export function baselineKeys(record: RunReport): string[] {
  const tenant = `${record.scope}/${record.mode}`;
  return [
    ...(record.manifestHash === null ? [] : [`${tenant}/manifest/${record.manifestHash}`]),
    `${tenant}/graph/${record.graph ?? ""}/${record.toolSetHash}`,
  ];
}

/** Keeps of a run what a baseline compares. */
export function baselineEntry(record: RunReport): BaselineEntry {
  const succeeded = record.calls.filter((call) => call.ok);
  return {
    v: 1,
    toolCalls: record.toolCalls,
    modelCalls: record.modelCalls,
    size: runSize(record),
    costUsd: record.costUsd,
    latencyMs: record.latencyMs,
    answerCharacters: record.answer.characters,
    answered: record.answer.given,
    tools: countBy(succeeded.map((call) => call.tool)),
    facts: [...new Set(succeeded.flatMap((call) => call.facts))].slice(0, maxFacts),
    answerFacts: record.answer.facts,
  };
}

/** Sums up the newest entries; nothing while there are fewer than `minRuns`. */
export function summarizeBaseline(
  entries: readonly BaselineEntry[],
  { lastRuns = 50, minRuns = 5 }: BaselineOptions = {},
): Baseline | undefined {
  const newest = entries.slice(-lastRuns);
  if (newest.length < Math.max(1, minRuns)) return undefined;
  return {
    runs: newest.length,
    entries: newest,
    tools: shares(newest.map((entry) => Object.keys(entry.tools))),
    facts: shares(newest.map((entry) => entry.facts)),
    answerFacts: shares(newest.map((entry) => entry.answerFacts)),
  };
}

function shares(sets: readonly (readonly string[])[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const set of sets) {
    for (const item of new Set(set)) counts.set(item, (counts.get(item) ?? 0) + 1);
  }
  return new Map([...counts].map(([item, count]) => [item, count / sets.length]));
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries(counts);
}
