import type { LangSmithFeedback } from "./feedback.ts";
import { groupBy } from "./group-by.ts";
import { type LangSmithRun, runDurationMs } from "./run.ts";

/** The feedback on a run. */
export type FeedbackOf = (runId: string) => readonly LangSmithFeedback[];

/** A run as the first version of the API shows it. */
export function runV1(
  run: LangSmithRun,
  feedbackOf: FeedbackOf,
  select?: readonly string[],
): Record<string, unknown> {
  const { metadata: _, attachments: _files, ...shown } = run;
  const view = {
    ...shown,
    parent_run_id: run.parent_run_id ?? null,
    parent_run_ids: ancestorIds(run),
    end_time: run.end_time ?? null,
    error: run.error ?? null,
    outputs: run.outputs ?? null,
    app_path: appPath(run),
    feedback_stats: feedbackStats(feedbackOf(run.id)),
    first_token_time: firstTokenTime(run),
    child_run_ids: null,
    in_dataset: false,
  };
  if (select === undefined) return view;
  const kept = new Set([...select, "id", "trace_id", "start_time", "run_type", "name", "status"]);
  return Object.fromEntries(Object.entries(view).filter(([field]) => kept.has(field)));
}

/** A run as the second version of the API shows it: only what `selects` names, or only its id. */
export function runV2(
  run: LangSmithRun,
  feedbackOf: FeedbackOf,
  selects: readonly string[],
  shareUrl?: string,
): Record<string, unknown> {
  const durationMs = runDurationMs(run);
  const view: Record<string, unknown> = {
    ...run,
    app_path: appPath(run),
    attachments: Object.fromEntries(Object.keys(run.attachments).map((name) => [name, name])),
    error_preview: run.error?.slice(0, 200),
    feedback_stats: feedbackStats(feedbackOf(run.id)),
    first_token_time: firstTokenTime(run),
    inputs_preview: preview(run.inputs),
    is_in_dataset: false,
    is_root: run.parent_run_id === undefined,
    latency_seconds: durationMs === undefined ? undefined : durationMs / 1000,
    manifest: run.serialized,
    outputs_preview: preview(run.outputs),
    parent_run_ids: ancestorIds(run),
    project_id: run.session_id,
    run_type: run.run_type.toUpperCase(),
    share_url: shareUrl,
    status: run.status.toUpperCase(),
  };
  const names = selects.length === 0 ? ["id"] : selects.map((select) => select.toLowerCase());
  return Object.fromEntries(
    names.filter((name) => view[name] !== undefined).map((name) => [name, view[name]]),
  );
}

/** The address of a run inside LangSmith's application, below its origin. */
export function appPath(run: LangSmithRun): string {
  const { session_id: project, id, trace_id: trace } = run;
  return `/o/evenkeel/projects/p/${project}/r/${id}?trace_id=${trace}&start_time=${run.start_time}`;
}

/** Ids of the runs above, from the root to the parent: the dotted order names them. */
function ancestorIds(run: LangSmithRun): string[] {
  const ids = run.dotted_order.split(".").map((segment) => segment.slice(-36));
  return ids.slice(0, -1);
}

/** What reviewers gave a run, by key. */
export function feedbackStats(feedback: readonly LangSmithFeedback[]): Record<string, unknown> {
  const stats: Record<string, unknown> = {};
  for (const [key, items] of groupBy(feedback, (item) => item.key)) {
    const scores = items.flatMap(({ score }) => (score === null ? [] : [Number(score)]));
    const values = groupBy(
      items.filter(({ value }) => typeof value === "string"),
      ({ value }) => String(value),
    );
    stats[key] = {
      n: items.length,
      avg: scores.length === 0 ? null : sum(scores) / scores.length,
      min: scores.length === 0 ? null : Math.min(...scores),
      max: scores.length === 0 ? null : Math.max(...scores),
      values: Object.fromEntries([...values].map(([value, { length }]) => [value, length])),
      comments: items.flatMap(({ comment }) => (comment === null ? [] : [comment])),
      sources: items.map((item) => item.feedback_source),
    };
  }
  return stats;
}

/** The sum of numbers. */
export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function firstTokenTime(run: LangSmithRun): string | undefined {
  for (const event of run.events) {
    if (typeof event !== "object" || event === null || !("name" in event && "time" in event))
      continue;
    if (event.name === "new_token") return String(event.time);
  }
  return undefined;
}

function preview(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value).slice(0, 250);
}
