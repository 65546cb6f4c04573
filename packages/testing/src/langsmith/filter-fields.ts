import type { LangSmithFeedback } from "./feedback.ts";
import { type Filter, filterError } from "./filter.ts";
import { isRecord } from "./json-record.ts";
import { type LangSmithRun, runDurationMs } from "./run.ts";

/** What a filter looks at: a run and the feedback on it. */
export interface FilterSubject {
  readonly run: LangSmithRun;
  readonly feedback: () => readonly LangSmithFeedback[];
}

/** A key with its value, or a feedback: what `metadata_key` and `metadata_value` speak of together. */
export type Pair = Readonly<Record<string, unknown>>;

/** What a field of a filter means of a run. */
export const runFields: Readonly<Record<string, (run: LangSmithRun) => unknown>> = {
  id: (run) => run.id,
  trace_id: (run) => run.trace_id,
  parent_run_id: (run) => run.parent_run_id,
  session_id: (run) => run.session_id,
  thread_id: (run) => run.thread_id,
  reference_example: (run) => run.reference_example_id,
  name: (run) => run.name,
  run_type: (run) => run.run_type,
  status: (run) => run.status,
  error: (run) => run.error,
  is_root: (run) => run.parent_run_id === undefined,
  start_time: (run) => run.start_time,
  end_time: (run) => run.end_time,
  latency: (run) => seconds(runDurationMs(run)),
  total_tokens: (run) => run.total_tokens,
  prompt_tokens: (run) => run.prompt_tokens,
  completion_tokens: (run) => run.completion_tokens,
  total_cost: (run) => run.total_cost,
  inputs: (run) => JSON.stringify(run.inputs),
  outputs: (run) => JSON.stringify(run.outputs),
};

/** The pairs of a run, by the family that `metadata_key` and the like belong to. */
export const pairFamilies: Readonly<Record<string, (subject: FilterSubject) => Pair[]>> = {
  metadata: ({ run }) => keyed("metadata", run.metadata),
  input: ({ run }) => keyed("input", run.inputs),
  output: ({ run }) => keyed("output", run.outputs),
  feedback: ({ feedback }) =>
    feedback().map(({ key, score, value, comment, feedback_source: source }) => ({
      feedback_key: key,
      feedback_score: typeof score === "boolean" ? Number(score) : score,
      feedback_value: value,
      feedback_comment: comment,
      feedback_source: source["type"],
    })),
};

/** The family of a field that speaks of pairs. */
export const pairFields: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["metadata", "input", "output"].flatMap((family) => [
      [`${family}_key`, family],
      [`${family}_value`, family],
    ]),
  ),
  ...Object.fromEntries(
    ["key", "score", "value", "comment", "source"].map((part) => [`feedback_${part}`, "feedback"]),
  ),
};

const lists: readonly string[] = ["tags", "metadata"];

/** Refuses a filter that names fields this endpoint does not have. */
export function checkFilterFields(filter: Filter, text: string): void {
  if (filter.kind === "not") return checkFilterFields(filter.part, text);
  if (filter.kind !== "compare") {
    return filter.parts.forEach((part) => checkFilterFields(part, text));
  }
  const { field, operator } = filter;
  if (field === undefined) return;
  const allowed =
    operator === "has" ? lists : [...Object.keys(runFields), ...Object.keys(pairFields)];
  if (!allowed.includes(field)) {
    throw filterError(`names "${field}" in ${operator}, allowed: ${allowed.join(", ")}`, text);
  }
}

function keyed(family: string, record: unknown): Pair[] {
  if (!isRecord(record)) return [];
  return Object.entries(record).map(([key, value]) => ({
    [`${family}_key`]: key,
    [`${family}_value`]: value,
  }));
}

function seconds(durationMs: number | undefined): number | undefined {
  return durationMs === undefined ? undefined : durationMs / 1000;
}
