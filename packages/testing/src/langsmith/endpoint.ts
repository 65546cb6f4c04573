import { randomUUID } from "node:crypto";

import { createConditionWaiters } from "../endpoint/condition-waiters.ts";
import { EndpointError } from "../endpoint/endpoint-error.ts";
import { parseJson } from "../endpoint/http-body.ts";
import { createRouter } from "../endpoint/http-routes.ts";
import { type Exchange, sendJson, startLoopbackServer } from "../endpoint/loopback-server.ts";
import { createRequestRecord, type RecordedRequest } from "../endpoint/request-record.ts";
import { requireInteger } from "../option-checks.ts";
import {
  createFaultSwitch,
  type LangSmithFault,
  type LangSmithFaultScope,
  sendFault,
} from "./faults.ts";
import type { LangSmithFeedback } from "./feedback.ts";
import type { LangSmithProject } from "./projects.ts";
import type { LangSmithQueue } from "./queues.ts";
import type { LangSmithRun } from "./run.ts";
import { createLangSmithService } from "./service.ts";
import { buildTraceTrees, type TraceNode } from "./trace-tree.ts";

/** What clients put before a path, as their address and their generation have it. */
const clientPrefix = /^(?:\/api)?(?:\/v1)?(?=\/)/;

export interface LangSmithEndpointOptions {
  /** Port on 127.0.0.1. @default 0, any free one */
  port?: number;
  /** Refuses requests with another key. @default any key, or none */
  apiKey?: string;
  /** Tells clients that bodies may come gzipped. @default false */
  gzip?: boolean;
  /** How clients send runs: `/runs/multipart` or, as older servers want it, `/runs/batch`. @default true */
  multipart?: boolean;
  /** Fields that `GET /info` has beside or instead of ours. @default {} */
  info?: Readonly<Record<string, unknown>>;
  /** How long a run that was accepted is not there yet, in milliseconds. @default 0 */
  ingestDelayMs?: number;
  /** Answers 404 to feedback on, and queueing of, a run that is not there yet. @default true */
  requireIngestedRuns?: boolean;
  /** Largest request body, in bytes. @default 268435456 */
  maxBodyBytes?: number;
  /** Source of ids; UUIDs, since clients check them. @default randomUUID */
  createId?: () => string;
  /** Clock, in epoch milliseconds. @default Date.now */
  now?: () => number;
}

/** A running LangSmith endpoint: what was sent to it, and the switches for what goes wrong. */
export interface LangSmithEndpoint {
  /** `apiUrl` for clients, `LANGSMITH_ENDPOINT` for processes. */
  readonly url: string;
  readonly port: number;
  /** All runs that are there, merged, in the order of their traces; also at `GET /__runs`. */
  readonly runs: readonly LangSmithRun[];
  readonly projects: readonly LangSmithProject[];
  /** All feedback; also at `GET /__feedback`. */
  readonly feedback: readonly LangSmithFeedback[];
  /** All annotation queues with their items; also at `GET /__queues`. */
  readonly queues: readonly LangSmithQueue[];
  /** Every request as received; also at `GET /__requests`. */
  readonly requests: readonly RecordedRequest[];
  /** The runs without a parent. */
  roots(): readonly LangSmithRun[];
  /** A trace as a tree, from its root; `undefined` where the root is not there. */
  trace(traceId: string): TraceNode<LangSmithRun> | undefined;
  /** Accepted runs stay away until `releaseIngestion()`. */
  holdIngestion(): void;
  /** All runs that are held or delayed are there at once. */
  releaseIngestion(): void;
  setIngestDelay(delayMs: number): void;
  /** Lets requests fail from now on; the function ends it. */
  fail(fault: LangSmithFault, scope?: LangSmithFaultScope): () => void;
  /** Resolves once the condition holds; asked again after every request and ingestion. */
  until(condition: () => boolean): Promise<void>;
  /** Forgets everything sent and every fault. */
  clear(): void;
  /** Stops, cutting what hangs. */
  close(): Promise<void>;
}

/**
 * Starts a local LangSmith: ingestion, queries with filters, feedback, annotation queues and
 * projects, enough for the unmodified `langsmith` client and the LangChain tracer.
 *
 * @example
 * const endpoint = await startLangSmithEndpoint();
 * const client = new Client({ apiUrl: endpoint.url, apiKey: "x" });
 * await graph.invoke(input, { callbacks: [new LangChainTracer({ client })] });
 */
export async function startLangSmithEndpoint(
  options: LangSmithEndpointOptions = {},
): Promise<LangSmithEndpoint> {
  const { port, apiKey, gzip = false, multipart = true, maxBodyBytes } = options;
  const { requireIngestedRuns = true } = options;
  const ingestDelayMs = requireInteger("ingestDelayMs", options.ingestDelayMs ?? 0, 0);
  const { createId = randomUUID, now = Date.now } = options;

  const waiters = createConditionWaiters();
  const service = createLangSmithService({
    info: { ...infoOf(gzip, multipart), ...options.info },
    ingestDelayMs,
    requireIngestedRuns,
    origin: () => server.origin,
    onIngested: waiters.wake,
    createId,
    now,
  });
  const { runs, projects, feedback, queues, ingestion } = service;
  const faults = createFaultSwitch();
  const record = createRequestRecord<unknown>(now);
  const router = createRouter(service.routes);
  const inspection = createRouter([
    ["GET /__runs", () => ({ body: runs.all() })],
    ["GET /__feedback", () => ({ body: feedback.all() })],
    ["GET /__queues", () => ({ body: queues.all() })],
    ["GET /__requests", () => ({ body: record.requests })],
  ]);

  async function handle(exchange: Exchange): Promise<void> {
    const { method, path, request, response, body } = exchange;
    if (path.startsWith("/__")) {
      return sendJson(response, 200, inspection(exchange, path, undefined).body);
    }
    const plainPath = path.replace(clientPrefix, "");
    const rawBody = body.toString("utf8");
    const parsed = parseJson(rawBody);
    record.add(exchange, rawBody, parsed);
    waiters.wake();

    const met = faults.next(method, path);
    if (met?.afterEffect === false && (await sendFault(exchange, met.fault))) return;
    const presigned = plainPath.startsWith("/feedback/tokens/");
    if (apiKey !== undefined && !presigned && request.headers["x-api-key"] !== apiKey) {
      throw new EndpointError("unauthorized", "the x-api-key is not ours", { status: 401 });
    }
    const { status = 200, body: answer } = router(exchange, plainPath, parsed);
    waiters.wake();
    if (met?.afterEffect === true && (await sendFault(exchange, met.fault))) return;
    if (status === 204) response.writeHead(204).end();
    else sendJson(response, status, answer);
  }

  const server = await startLoopbackServer({
    handle,
    describeError: ({ code, message }) => ({ code, detail: message }),
    ...(port === undefined ? {} : { port }),
    ...(maxBodyBytes === undefined ? {} : { maxBodyBytes }),
  });
  return {
    url: server.origin,
    port: server.port,
    get runs() {
      return runs.all();
    },
    get projects() {
      return projects.all();
    },
    get feedback() {
      return feedback.all();
    },
    get queues() {
      return queues.all();
    },
    requests: record.requests,
    roots: () => runs.all().filter((run) => run.parent_run_id === undefined),
    trace: (traceId) =>
      buildTraceTrees(runs.all().filter((run) => run.trace_id === traceId)).find(
        ({ run }) => run.id === traceId,
      ),
    holdIngestion: ingestion.hold,
    releaseIngestion: ingestion.release,
    setIngestDelay: ingestion.setDelay,
    fail: faults.fail,
    until: waiters.until,
    clear() {
      service.clear();
      faults.clear();
      record.clear();
    },
    close: async () => {
      ingestion.clear();
      waiters.close();
      await server.close();
    },
  };
}

function infoOf(gzip: boolean, multipart: boolean): Record<string, unknown> {
  return {
    version: "0.17.0",
    instance_flags: {
      gzip_body_enabled: gzip,
      sdb_query_enabled: true,
      ch_query_enabled: true,
      dataset_examples_multipart_enabled: true,
    },
    batch_ingest_config: { use_multipart_endpoint: multipart, size_limit: 100 },
  };
}
