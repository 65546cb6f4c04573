import { checkFilterFields } from "./filter-fields.ts";
import { matchesFilter } from "./filter-match.ts";
import { type Filter, parseFilter } from "./filter.ts";
import { type JsonRecord, numberOf, textOf, textsOf } from "./json-record.ts";
import type { FeedbackOf } from "./run-view.ts";
import type { LangSmithRun } from "./run.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** Where a query finds its runs. */
export interface QuerySource {
  runs: readonly LangSmithRun[];
  feedbackOf: FeedbackOf;
  now: () => number;
}

/** What both versions of the API can ask for, in the words of the second. */
export interface RunQuery {
  projectIds?: readonly string[];
  ids?: readonly string[];
  traceId?: string;
  parentId?: string;
  isRoot?: boolean;
  hasError?: boolean;
  runType?: string;
  referenceExamples?: readonly string[];
  filter?: string;
  traceFilter?: string;
  treeFilter?: string;
  /** Lower bound of the start, in epoch milliseconds. */
  from?: number;
  /** Upper bound of the start, in epoch milliseconds. */
  to?: number;
}

/** The runs that fit a query, newest first. */
export function queryRuns(query: RunQuery, source: QuerySource): LangSmithRun[] {
  const { projectIds, ids, traceId, parentId, isRoot, hasError, runType } = query;
  const { referenceExamples: examples, from = -Infinity, to = Infinity } = query;
  const itself = compile(query.filter, source);
  const root = compile(query.traceFilter, source);
  const anyInTree = compile(query.treeFilter, source);
  const trees = anyInTree && new Set(source.runs.filter(anyInTree).map((run) => run.trace_id));
  const byId = new Map(source.runs.map((run) => [run.id, run]));

  const fits = (run: LangSmithRun): boolean => {
    const start = Date.parse(run.start_time);
    const traceRoot = byId.get(run.trace_id);
    return (
      (projectIds === undefined || projectIds.includes(run.session_id)) &&
      (ids === undefined || ids.includes(run.id)) &&
      (traceId === undefined || run.trace_id === traceId) &&
      (parentId === undefined || run.parent_run_id === parentId) &&
      (isRoot === undefined || (run.parent_run_id === undefined) === isRoot) &&
      (hasError === undefined || (run.error !== undefined) === hasError) &&
      (runType === undefined || run.run_type === runType.toLowerCase()) &&
      (examples === undefined || examples.includes(run.reference_example_id ?? "")) &&
      start >= from &&
      start <= to &&
      (itself === undefined || itself(run)) &&
      (root === undefined || (traceRoot !== undefined && root(traceRoot))) &&
      (trees === undefined || trees.has(run.trace_id))
    );
  };
  return source.runs.filter(fits).toReversed();
}

/** Makes a predicate of a filter text; no text, no predicate. */
export function compile(
  text: string | undefined,
  { feedbackOf }: Pick<QuerySource, "feedbackOf">,
): ((run: LangSmithRun) => boolean) | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  const filter: Filter = parseFilter(text);
  checkFilterFields(filter, text);
  return (run) => matchesFilter(filter, { run, feedback: () => feedbackOf(run.id) });
}

/** Reads the body of `POST /runs/query`. */
export function queryOfV1(body: JsonRecord): RunQuery {
  return given({
    projectIds: listOf(body["session"]),
    ids: listOf(body["id"]),
    referenceExamples: listOf(body["reference_example"]),
    traceId: textOf(body["trace"]),
    parentId: textOf(body["parent_run"]),
    isRoot: booleanOf(body["is_root"]),
    hasError: booleanOf(body["error"]),
    runType: textOf(body["run_type"]),
    ...filtersOf(body),
    from: instantOf(body["start_time"]),
    to: instantOf(body["end_time"]),
  });
}

/** Reads the body or the query of a second-version call; it looks back a day unless told more. */
export function queryOfV2(body: JsonRecord, now: () => number): RunQuery {
  const project = textOf(body["project_id"]);
  return given({
    projectIds: listOf(body["project_ids"]) ?? (project === undefined ? undefined : [project]),
    ids: listOf(body["ids"]) ?? listOf(body["trace_ids"]),
    referenceExamples: listOf(body["reference_examples"]),
    traceId: textOf(body["trace_id"]),
    isRoot: booleanOf(body["is_root"]),
    hasError: booleanOf(body["has_error"]),
    runType: textOf(body["run_type"]),
    ...filtersOf(body),
    from: instantOf(body["min_start_time"]) ?? now() - DAY_MS,
    to: instantOf(body["max_start_time"]),
  });
}

/** Size of a page, at most 100. */
export function pageSizeOf(value: unknown): number {
  const size = numberOf(value) ?? 100;
  return Math.max(1, Math.min(size, 100));
}

function filtersOf(
  body: JsonRecord,
): Record<"filter" | "traceFilter" | "treeFilter", string | undefined> {
  return {
    filter: textOf(body["filter"]),
    traceFilter: textOf(body["trace_filter"]),
    treeFilter: textOf(body["tree_filter"]),
  };
}

function given(fields: { [Field in keyof RunQuery]: RunQuery[Field] | undefined }): RunQuery {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function listOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? textsOf(value) : undefined;
}

function booleanOf(value: unknown): boolean | undefined {
  return typeof value === "boolean" ? value : undefined;
}

function instantOf(value: unknown): number | undefined {
  const text = textOf(value);
  return text === undefined ? undefined : Date.parse(text);
}
