import type { Route } from "../endpoint/http-routes.ts";
import { recordOf, requireRecord, textOf, textsOf } from "./json-record.ts";
import { parseMultipart } from "./multipart.ts";
import {
  operationOf,
  operationsOfBatch,
  operationsOfParts,
  type RunOperation,
} from "./operations.ts";
import { cursorPage } from "./page.ts";
import { pageSizeOf, type QuerySource, queryOfV1, queryRuns, type RunQuery } from "./query.ts";
import { missingScope, type RunAccess } from "./run-access.ts";
import { runV1 } from "./run-view.ts";
import { runStats } from "./stats.ts";

export interface RunRouteOptions {
  accept: (operations: readonly RunOperation[]) => void;
  source: () => QuerySource;
  access: RunAccess;
}

/** The routes by which runs are sent, and those by which the first version of the API reads them. */
export function runRoutes(options: RunRouteOptions): Route[] {
  const { accept, source, access } = options;
  const { existing, shareToken, share, unshare } = access;

  const accepted = (operations: readonly RunOperation[]) => {
    accept(operations);
    return { status: 202, body: { message: "accepted" } };
  };

  const sending: Route[] = [
    [
      "POST /runs/multipart",
      ({ exchange: { body, request } }) =>
        accepted(operationsOfParts(parseMultipart(body, request.headers["content-type"]))),
    ],
    ["POST /runs/batch", ({ body }) => accepted(operationsOfBatch(body))],
    ["POST /runs", ({ body }) => accepted([operationOf("post", requireRecord(body))])],
    [
      "PATCH /runs/:id",
      ({ parameters, body }) =>
        accepted([operationOf("patch", { ...requireRecord(body), id: parameters["id"] })]),
    ],
  ];

  const reading: Route[] = [
    [
      "POST /runs/query",
      ({ body }) => {
        const given = requireRecord(body);
        const query = queryOfV1(given);
        requireScope(query);
        const limit = pageSizeOf(given["limit"]);
        const select = Array.isArray(given["select"]) ? textsOf(given["select"]) : undefined;
        const newestFirst = queryRuns(query, source());
        const runs = given["order"] === "asc" ? newestFirst.toReversed() : newestFirst;
        const { items, next } = cursorPage(runs, textOf(given["cursor"]), limit);
        const views = items.map((run) => runV1(run, source().feedbackOf, select));
        return { body: { runs: views, cursors: { next: next === "" ? null : next } } };
      },
    ],
    [
      "POST /runs/stats",
      ({ body }) => ({
        body: runStats(queryRuns(queryOfV1(requireRecord(body)), source()), source().feedbackOf),
      }),
    ],
    [
      "GET /runs/:id",
      ({ parameters }) => ({ body: runV1(existing(parameters["id"]), source().feedbackOf) }),
    ],
    [
      "PUT /runs/:id/share",
      ({ parameters, body }) => {
        const run = existing(parameters["id"]);
        const token = share(run, textOf(recordOf(body)["share_token"]));
        return { body: { run_id: run.id, share_token: token } };
      },
    ],
    [
      "GET /runs/:id/share",
      ({ parameters }) => {
        const run = existing(parameters["id"]);
        const token = shareToken(run);
        return { body: token === undefined ? null : { run_id: run.id, share_token: token } };
      },
    ],
    [
      "DELETE /runs/:id/share",
      ({ parameters }) => {
        unshare(existing(parameters["id"]).trace_id);
        return { body: {} };
      },
    ],
  ];

  return [...sending, ...reading];
}

function requireScope(query: RunQuery): void {
  const { projectIds, ids, traceId, parentId, referenceExamples } = query;
  const scopes = [projectIds, ids, traceId, parentId, referenceExamples];
  if (scopes.every((scope) => scope === undefined)) throw missingScope("session");
}
