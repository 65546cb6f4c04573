import { notFound, type Route, type RouteCall } from "../endpoint/http-routes.ts";
import { groupBy } from "./group-by.ts";
import { type JsonRecord, recordOf, requireRecord, requireText, textOf } from "./json-record.ts";
import { page } from "./page.ts";
import type { LangSmithRun } from "./run.ts";

/** A piece of feedback on a run, or on a project where `run_id` is null. */
export interface LangSmithFeedback {
  readonly id: string;
  readonly run_id: string | null;
  readonly trace_id: string | null;
  readonly session_id: string | null;
  readonly key: string;
  readonly score: number | boolean | null;
  readonly value: unknown;
  readonly correction: unknown;
  readonly comment: string | null;
  readonly feedback_source: JsonRecord;
  readonly extend_trace_retention: boolean | null;
  readonly created_at: string;
  readonly modified_at: string;
}

/** The feedback of an endpoint. */
export interface FeedbackStore {
  readonly all: () => readonly LangSmithFeedback[];
  readonly of: (runId: string) => readonly LangSmithFeedback[];
  readonly routes: readonly Route[];
  readonly clear: () => void;
}

export interface FeedbackStoreOptions {
  /** The run, or an error where runs must be there before feedback on them. */
  runFor: (runId: string) => LangSmithRun | undefined;
  origin: () => string;
  createId: () => string;
  now: () => number;
}

interface FeedbackToken {
  readonly id: string;
  readonly url: string;
  readonly expires_at: string;
  readonly run_id: string;
  readonly feedback_key: string;
}

/** Starts a store without feedback; the same feedback id sent twice is one piece of feedback. */
export function createFeedbackStore(options: FeedbackStoreOptions): FeedbackStore {
  const { runFor, origin, createId, now } = options;
  const feedback = new Map<string, LangSmithFeedback>();
  const tokens = new Map<string, FeedbackToken>();
  let byRun: Map<string | null, LangSmithFeedback[]> | undefined;
  const time = () => new Date(now()).toISOString();

  function save(given: JsonRecord): LangSmithFeedback {
    const id = textOf(given["id"]) ?? createId();
    const runId = textOf(given["run_id"]);
    const run = runId === undefined ? undefined : runFor(runId);
    const { score } = given;
    const saved: LangSmithFeedback = {
      id,
      run_id: runId ?? null,
      trace_id: textOf(given["trace_id"]) ?? run?.trace_id ?? null,
      session_id: textOf(given["session_id"]) ?? run?.session_id ?? null,
      key: requireText(given, "key"),
      score: typeof score === "number" || typeof score === "boolean" ? score : null,
      value: given["value"] ?? null,
      correction: given["correction"] ?? null,
      comment: textOf(given["comment"]) ?? null,
      feedback_source: recordOf(given["feedback_source"]),
      extend_trace_retention:
        typeof given["extend_trace_retention"] === "boolean"
          ? given["extend_trace_retention"]
          : null,
      created_at: feedback.get(id)?.created_at ?? time(),
      modified_at: time(),
    };
    feedback.set(id, saved);
    byRun = undefined;
    return saved;
  }
  function existing(id: string | undefined): LangSmithFeedback {
    const found = feedback.get(id ?? "");
    if (found === undefined) throw notFound(`feedback ${id} does not exist`);
    return found;
  }
  function createToken({ body }: RouteCall): FeedbackToken {
    const given = requireRecord(body);
    const id = createId();
    const token: FeedbackToken = {
      id,
      url: `${origin()}/feedback/tokens/${id}`,
      expires_at: textOf(given["expires_at"]) ?? new Date(now() + lifeMs(given)).toISOString(),
      run_id: requireText(given, "run_id"),
      feedback_key: requireText(given, "feedback_key"),
    };
    tokens.set(id, token);
    return token;
  }
  /** What a browser does with a presigned address: no key, the feedback in query or body. */
  function redeem({ parameters, query, body }: RouteCall): LangSmithFeedback {
    const token = tokens.get(parameters["token"] ?? "");
    if (token === undefined) throw notFound(`feedback token ${parameters["token"]} does not exist`);
    const score = query.get("score");
    return save({
      ...Object.fromEntries(query),
      ...(score === null ? {} : { score: Number(score) }),
      ...recordOf(body),
      run_id: token.run_id,
      key: token.feedback_key,
      feedback_source: { type: "presigned" },
    });
  }

  const routes: Route[] = [
    ["POST /feedback/tokens", (call) => ({ body: createToken(call) })],
    [
      "GET /feedback/tokens",
      ({ query }) => {
        const found = [...tokens.values()].filter(({ run_id: id }) => id === query.get("run_id"));
        return { body: page(found, query) };
      },
    ],
    ["GET /feedback/tokens/:token", (call) => ({ body: redeem(call) })],
    ["POST /feedback/tokens/:token", (call) => ({ body: redeem(call) })],
    ["POST /feedback", ({ body }) => ({ body: save(requireRecord(body)) })],
    [
      "GET /feedback",
      ({ query }) => {
        const [runs, keys, sources] = [
          query.getAll("run"),
          query.getAll("key"),
          query.getAll("source"),
        ];
        const found = [...feedback.values()].filter(
          (item) =>
            allowed(runs, item.run_id) &&
            allowed(keys, item.key) &&
            allowed(sources, item.feedback_source["type"]),
        );
        return { body: page(found, query) };
      },
    ],
    ["GET /feedback/:id", ({ parameters }) => ({ body: existing(parameters["id"]) })],
    [
      "PATCH /feedback/:id",
      ({ parameters, body }) => ({
        body: save({ ...existing(parameters["id"]), ...requireRecord(body) }),
      }),
    ],
    [
      "DELETE /feedback/:id",
      ({ parameters }) => {
        feedback.delete(existing(parameters["id"]).id);
        byRun = undefined;
        return { body: {} };
      },
    ],
  ];

  return {
    all: () => [...feedback.values()],
    of: (runId) => {
      byRun ??= groupBy(feedback.values(), (item) => item.run_id);
      return byRun.get(runId) ?? [];
    },
    routes,
    clear: () => {
      feedback.clear();
      byRun = undefined;
      tokens.clear();
    },
  };
}

/** Whether a value is among those a query allows; an empty list allows every one. */
function allowed(list: readonly string[], value: unknown): boolean {
  return list.length === 0 || list.some((item) => item === value);
}

function lifeMs(given: JsonRecord): number {
  const { days = 0, hours = 0, minutes = 0 } = recordOf(given["expires_in"]);
  return ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60_000;
}
