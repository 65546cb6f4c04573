import type { RecordStore } from "@evenkeel/core";

import {
  type Baseline,
  type BaselineEntry,
  type BaselineOptions,
  baselineEntry,
  baselineKeys,
  summarizeBaseline,
} from "../baseline.ts";
import type { RunReport } from "../run-report.ts";
import { keptRun } from "./kept-run.ts";

/** The good runs that a run is compared with. */
export interface RunBaselines {
  /** Reads the history anew where it is old; nothing where it is not. */
  load(): Promise<void> | undefined;
  /** The baseline of a run without the run itself; undefined until there is enough history. */
  of(report: RunReport): Baseline | undefined;
  /** Takes a clean run in. */
  add(report: RunReport): void;
}

const REFRESH_MS = 60_000;
const READ_RUNS = 500;
const MOST_ENTRIES = 200;
/** Summing up fifty runs costs more than judging one; a busy process need not do it for each. */
const SUMMARY_MS = 5_000;

/** Keeps baselines in memory, filled from the records of earlier runs where there is a store. */
export function runBaselines(
  store: Pick<RecordStore, "listRecords"> | undefined,
  options: BaselineOptions,
  now: () => number,
): RunBaselines {
  let entries = new Map<string, Map<string, BaselineEntry>>();
  const summaries = new Map<string, { readonly baseline: Baseline; readonly at: number }>();
  let loadedAt = Number.NEGATIVE_INFINITY;
  let loading: Promise<void> | undefined;

  const addTo = (to: typeof entries, report: RunReport): void => {
    const entry = baselineEntry(report);
    for (const key of baselineKeys(report)) {
      const held = to.get(key) ?? new Map<string, BaselineEntry>();
      held.delete(report.executionId);
      held.set(report.executionId, entry);
      const oldest = held.keys().next().value;
      if (held.size > MOST_ENTRIES && oldest !== undefined) held.delete(oldest);
      to.set(key, held);
    }
  };

  async function read(from: Pick<RecordStore, "listRecords">): Promise<void> {
    const records = await from.listRecords({ status: "completed", limit: READ_RUNS });
    const fresh: typeof entries = new Map();
    for (const record of records.toReversed()) {
      try {
        const kept = keptRun(record);
        if (kept?.clean === true && kept.people.length === 0) addTo(fresh, kept.report);
      } catch {
        // Damaged, or of a later release: it is no example, and the others still are.
      }
    }
    entries = fresh;
    summaries.clear();
    loadedAt = now();
  }

  return {
    load() {
      if (store === undefined || now() - loadedAt < REFRESH_MS) return undefined;
      loading ??= read(store).finally(() => (loading = undefined));
      return loading;
    },
    of(report) {
      for (const key of baselineKeys(report)) {
        const held = entries.get(key);
        if (held === undefined) continue;
        const own = held.has(report.executionId);
        const summary = summaries.get(key);
        if (!own && summary !== undefined && now() - summary.at < SUMMARY_MS) {
          return summary.baseline;
        }
        const others = [...held].filter(([executionId]) => executionId !== report.executionId);
        const baseline = summarizeBaseline(
          others.map(([, entry]) => entry),
          options,
        );
        if (baseline === undefined) continue;
        if (!own) summaries.set(key, { baseline, at: now() });
        return baseline;
      }
      return undefined;
    },
    add: (report) => addTo(entries, report),
  };
}
