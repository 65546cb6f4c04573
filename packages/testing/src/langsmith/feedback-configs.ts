import { isDeepStrictEqual } from "node:util";

import { EndpointError } from "../endpoint/endpoint-error.ts";
import { notFound, type Route } from "../endpoint/http-routes.ts";
import { type JsonRecord, recordOf, requireRecord, requireText } from "./json-record.ts";
import { page } from "./page.ts";

/** How scores under a feedback key are to be read. */
interface LangSmithFeedbackConfig {
  readonly feedback_key: string;
  readonly feedback_config: JsonRecord;
  readonly is_lower_score_better: boolean;
  readonly tenant_id: string;
  readonly modified_at: string;
}

/** The feedback configurations of an endpoint. */
export interface FeedbackConfigStore {
  readonly all: () => readonly LangSmithFeedbackConfig[];
  readonly routes: readonly Route[];
  readonly clear: () => void;
}

/** Starts a store without configurations; an equal one may be sent again, a different one not. */
export function createFeedbackConfigStore(options: {
  tenantId: string;
  now: () => number;
}): FeedbackConfigStore {
  const { tenantId, now } = options;
  const configs = new Map<string, LangSmithFeedbackConfig>();

  function save(given: JsonRecord): LangSmithFeedbackConfig {
    const config = {
      feedback_key: requireText(given, "feedback_key"),
      feedback_config: recordOf(given["feedback_config"]),
      is_lower_score_better: given["is_lower_score_better"] === true,
      tenant_id: tenantId,
      modified_at: new Date(now()).toISOString(),
    };
    configs.set(config.feedback_key, config);
    return config;
  }
  function existing(key: string): LangSmithFeedbackConfig {
    const config = configs.get(key);
    if (config === undefined) throw notFound(`no feedback configuration for "${key}"`);
    return config;
  }

  const routes: Route[] = [
    [
      "POST /feedback-configs",
      ({ body }) => {
        const given = requireRecord(body);
        const known = configs.get(requireText(given, "feedback_key"));
        if (known === undefined) return { body: save(given) };
        const same =
          isDeepStrictEqual(known.feedback_config, given["feedback_config"]) &&
          known.is_lower_score_better === (given["is_lower_score_better"] === true);
        if (same) return { body: known };
        const message = `"${known.feedback_key}" has another feedback configuration already`;
        throw new EndpointError("conflict", message, { status: 400 });
      },
    ],
    [
      "GET /feedback-configs",
      ({ query }) => {
        const [keys, part] = [query.getAll("key"), query.get("name_contains")];
        const found = [...configs.values()].filter(
          ({ feedback_key: key }) =>
            (keys.length === 0 || keys.includes(key)) && (part === null || key.includes(part)),
        );
        return { body: page(found, query) };
      },
    ],
    [
      "PATCH /feedback-configs",
      ({ body }) => {
        const given = requireRecord(body);
        return { body: save({ ...existing(requireText(given, "feedback_key")), ...given }) };
      },
    ],
    [
      "DELETE /feedback-configs",
      ({ query }) => {
        configs.delete(existing(query.get("feedback_key") ?? "").feedback_key);
        return { status: 204, body: {} };
      },
    ],
  ];

  return { all: () => [...configs.values()], routes, clear: () => configs.clear() };
}
