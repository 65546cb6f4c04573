import { type FeedbackOf, feedbackStats, sum } from "./run-view.ts";
import { type LangSmithRun, runDurationMs } from "./run.ts";

/** The value below which a share of the values lies; `undefined` of none. */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

/** Durations of the runs that ended, in seconds. */
export function latenciesOf(runs: readonly LangSmithRun[]): number[] {
  return runs.flatMap((run) => {
    const durationMs = runDurationMs(run);
    return durationMs === undefined ? [] : [durationMs / 1000];
  });
}

/** What `POST /runs/stats` tells of runs. */
export function runStats(
  runs: readonly LangSmithRun[],
  feedbackOf: FeedbackOf,
): Record<string, unknown> {
  const latencies = latenciesOf(runs);
  const errors = runs.filter((run) => run.error !== undefined).length;
  return {
    run_count: runs.length,
    error_rate: runs.length === 0 ? 0 : errors / runs.length,
    latency_p50: percentile(latencies, 0.5) ?? null,
    latency_p99: percentile(latencies, 0.99) ?? null,
    total_tokens: sum(runs.map((run) => run.total_tokens)),
    prompt_tokens: sum(runs.map((run) => run.prompt_tokens)),
    completion_tokens: sum(runs.map((run) => run.completion_tokens)),
    total_cost: sum(runs.map((run) => run.total_cost)),
    last_run_start_time: runs[0]?.start_time ?? null,
    feedback_stats: feedbackStats(runs.flatMap((run) => feedbackOf(run.id))),
  };
}
