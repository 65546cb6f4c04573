import { EndpointError } from "../endpoint/endpoint-error.ts";
import { notFound, type Route } from "../endpoint/http-routes.ts";
import { groupBy } from "./group-by.ts";
import { requireRecord, requireText, textOf } from "./json-record.ts";
import { cursorPage } from "./page.ts";
import { compile, pageSizeOf, type QuerySource, queryOfV2, queryRuns } from "./query.ts";
import { feedbackStats, sum } from "./run-view.ts";
import { type LangSmithRun, runDurationMs } from "./run.ts";
import { latenciesOf, percentile } from "./stats.ts";

/** The routes of threads: traces whose metadata name the same thread. */
export function threadRoutes(source: () => QuerySource): Route[] {
  const tracesOf = (thread: string | undefined, project: string | null): LangSmithRun[] => {
    const found = source().runs.filter(
      (run) =>
        run.parent_run_id === undefined && run.thread_id === thread && run.session_id === project,
    );
    if (found.length === 0) throw notFound(`thread ${thread} does not exist in project ${project}`);
    return found;
  };

  return [
    [
      "POST /v2/threads/query",
      ({ body }) => {
        const given = requireRecord(body);
        requireText(given, "project_id");
        const query = { ...queryOfV2(given, source().now), isRoot: true };
        const roots = queryRuns(query, source()).filter((run) => run.thread_id !== undefined);
        const threads = [...groupBy(roots, (run) => run.thread_id)].map(([id, newestFirst]) =>
          threadOf(id, newestFirst.toReversed(), source()),
        );
        const size = pageSizeOf(given["page_size"]);
        const { items, next } = cursorPage(threads, textOf(given["cursor"]), size);
        return { body: { items, next_cursor: next } };
      },
    ],
    [
      "GET /v2/threads/:thread/traces",
      ({ parameters, query }) => {
        const filter = compile(query.get("filter") ?? undefined, source());
        const traces = tracesOf(parameters["thread"], query.get("project_id"));
        const kept = traces.filter((run) => filter === undefined || filter(run));
        const views = kept.map((run) => select(traceOf(run), query.getAll("selects")));
        const size = pageSizeOf(Number(query.get("page_size") ?? 100));
        const { items, next } = cursorPage(views, query.get("cursor") ?? "", size);
        return { body: { items, next_cursor: next } };
      },
    ],
    [
      "GET /v2/threads/:thread/stats",
      ({ parameters, query }) => {
        const selects = query.getAll("selects");
        if (selects.length === 0) {
          throw new EndpointError("invalid-request", `"selects" is empty`, { status: 400 });
        }
        const traces = tracesOf(parameters["thread"], query.get("session_id"));
        // Latencies are selected by one name and answered under another.
        const names = selects.map((name) => name.replace(/^(LATENCY_P\d+)$/, "$1_SECONDS"));
        return { body: select(statsOf(traces, source()), names) };
      },
    ],
  ];
}

function threadOf(
  id: string | undefined,
  traces: readonly LangSmithRun[],
  { feedbackOf }: QuerySource,
): Record<string, unknown> {
  const [first, last] = [traces[0], traces.at(-1)];
  const latencies = latenciesOf(traces);
  return {
    thread_id: id,
    count: traces.length,
    first_trace_id: first?.trace_id,
    last_trace_id: last?.trace_id,
    trace_id: last?.trace_id,
    start_time: last?.start_time,
    min_start_time: first?.start_time,
    max_start_time: last?.start_time,
    first_inputs: JSON.stringify(first?.inputs),
    last_outputs: JSON.stringify(last?.outputs),
    last_error: traces.findLast((run) => run.error !== undefined)?.error,
    num_errored_turns: traces.filter((run) => run.error !== undefined).length,
    latency_p50: percentile(latencies, 0.5),
    latency_p99: percentile(latencies, 0.99),
    total_tokens: sum(traces.map((run) => run.total_tokens)),
    total_cost: sum(traces.map((run) => run.total_cost)),
    feedback_stats: feedbackStats(traces.flatMap((run) => feedbackOf(run.id))),
  };
}

function traceOf(run: LangSmithRun): Record<string, unknown> {
  const durationMs = runDurationMs(run);
  return {
    ...run,
    latency: durationMs === undefined ? undefined : durationMs / 1000,
    inputs_preview: JSON.stringify(run.inputs).slice(0, 250),
    outputs_preview: JSON.stringify(run.outputs ?? null).slice(0, 250),
    error_preview: run.error?.slice(0, 200),
  };
}

function statsOf(
  traces: readonly LangSmithRun[],
  { feedbackOf }: QuerySource,
): Record<string, unknown> {
  const latencies = latenciesOf(traces);
  const last = traces.at(-1);
  return {
    turns: traces.length,
    first_start_time: traces[0]?.start_time,
    last_start_time: last?.start_time,
    last_end_time: last?.end_time,
    latency_p50_seconds: percentile(latencies, 0.5),
    latency_p99_seconds: percentile(latencies, 0.99),
    prompt_tokens: sum(traces.map((run) => run.prompt_tokens)),
    completion_tokens: sum(traces.map((run) => run.completion_tokens)),
    total_tokens: sum(traces.map((run) => run.total_tokens)),
    total_cost: sum(traces.map((run) => run.total_cost)),
    feedback_stats: feedbackStats(traces.flatMap((run) => feedbackOf(run.id))),
  };
}

/** The fields that were selected; all of them where none was. */
function select(
  view: Record<string, unknown>,
  selects: readonly string[],
): Record<string, unknown> {
  const names = selects.map((name) => name.toLowerCase());
  return Object.fromEntries(
    Object.entries(view).filter(([name]) => names.length === 0 || names.includes(name)),
  );
}
