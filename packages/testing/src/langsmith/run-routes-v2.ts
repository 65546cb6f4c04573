import { notFound, type Route, type RouteCall } from "../endpoint/http-routes.ts";
import { type JsonRecord, numberOf, requireRecord, textOf, textsOf } from "./json-record.ts";
import { cursorPage } from "./page.ts";
import { compile, pageSizeOf, type QuerySource, queryOfV2, queryRuns } from "./query.ts";
import { missingScope, type RunAccess } from "./run-access.ts";
import { appPath, runV2 } from "./run-view.ts";
import type { LangSmithRun } from "./run.ts";

/** The routes by which the second version of the API reads runs and traces. */
export function runRoutesV2(options: {
  source: () => QuerySource;
  access: RunAccess;
  origin: () => string;
}): Route[] {
  const { source, access, origin } = options;
  const { existing, shareToken, share, unshare } = access;

  const viewV2 = (run: LangSmithRun, selects: readonly string[]) => {
    const token = shareToken(run);
    const shareUrl = token === undefined ? undefined : `${origin()}/public/${token}/r`;
    return runV2(run, source().feedbackOf, selects, shareUrl);
  };
  const inProject = ({ parameters, query }: RouteCall): LangSmithRun => {
    const run = existing(parameters["id"]);
    if (run.session_id === query.get("project_id")) return run;
    throw notFound(`run ${run.id} does not exist in project ${query.get("project_id")}`);
  };

  return [
    [
      "POST /v2/runs/query",
      ({ body }) => {
        const given = requireRecord(body);
        const query = queryOfV2(given, source().now);
        if (query.projectIds === undefined) throw missingScope("project_ids");
        const { items, next } = pageV2(queryRuns(query, source()), given);
        const selects = textsOf(given["selects"]);
        return { body: { items: items.map((run) => viewV2(run, selects)), next_cursor: next } };
      },
    ],
    [
      "GET /v2/runs/:id",
      (call) => ({ body: viewV2(inProject(call), call.query.getAll("selects")) }),
    ],
    [
      "GET /v2/runs/:id/url",
      (call) => ({ body: { url: `${origin()}${appPath(inProject(call))}` } }),
    ],
    [
      "POST /v2/runs/:id/share",
      ({ parameters }) => ({ body: { share_token: share(existing(parameters["id"])) } }),
    ],
    [
      "DELETE /v2/runs/:id/share",
      ({ parameters }) => {
        unshare(parameters["id"] ?? "");
        return { body: {} };
      },
    ],
    [
      "GET /v2/traces/:trace/runs",
      ({ parameters, query }) => {
        const filter = compile(query.get("filter") ?? undefined, source());
        const runs = source().runs.filter(
          (run) =>
            run.trace_id === parameters["trace"] &&
            run.session_id === query.get("project_id") &&
            (filter === undefined || filter(run)),
        );
        return { body: { items: runs.map((run) => viewV2(run, query.getAll("selects"))) } };
      },
    ],
    [
      "POST /v2/traces/query",
      ({ body }) => {
        const given = requireRecord(body);
        const query = { ...queryOfV2(given, source().now), isRoot: true };
        if (query.projectIds === undefined) throw missingScope("project_id");
        const { items, next } = pageV2(queryRuns(query, source()), given);
        const traces = items.map((run) => ({
          root_run: viewV2(run, textsOf(given["selects"])),
          trace_aggregates: { total_tokens: run.total_tokens, total_cost: run.total_cost },
        }));
        return { body: { items: traces, next_cursor: next } };
      },
    ],
  ];
}

function pageV2(
  runs: readonly LangSmithRun[],
  given: JsonRecord,
): { items: readonly LangSmithRun[]; next: string } {
  const size = pageSizeOf(numberOf(given["page_size"]));
  return cursorPage(runs, textOf(given["cursor"]), size);
}
