import { defineMiddleware } from "@evenkeel/core";
import type { Middleware } from "@evenkeel/core";

import { assertOffloadOptions } from "./assert-options.ts";
import { offloadToolCall } from "./call/offload-call.ts";
import { offloadHistory } from "./call/offload-history.ts";
import type { OffloadLive, OffloadSettings, ToolResultOffloadOptions } from "./options.ts";
import { readingToolSpecs } from "./reading/tool-specs.ts";
import { makeReadingTools } from "./reading/tools.ts";
import { tokenCounterOf } from "./threshold/token-counter.ts";

/**
 * Keeps large tool results out of state, checkpoints and context: a result is stored first, and the
 * message that enters the state carries a preview and a handle, with which the model can read,
 * search and query it.
 *
 * Error behavior: bad options throw `invalid-options` here; a run without any store is refused with
 * `store-required`; a store that fails later leaves a cut of the result that says so, and the run
 * goes on. Output: a ToolMessage of the same id, name and status; Commands keep all but their tool
 * messages. State: none. When it fires: after each tool call, and before each model call for results
 * a history already holds.
 *
 * @example
 * ```ts
 * const offload = toolResultOffloadMiddleware({ maxTokens: 1_000 });
 * const agent = withMiddleware(graph, [offload], { store: new InMemoryStore() });
 * ```
 */
export function toolResultOffloadMiddleware(options: ToolResultOffloadOptions = {}): Middleware {
  assertOffloadOptions(options);
  const { name = "toolResultOffloadMiddleware", mode, store, tokenCounter } = options;
  const settings = settingsOf(options);
  return defineMiddleware<OffloadSettings, OffloadLive>({
    name,
    mode,
    outsideOf: {
      failureRetryMiddleware: "the answer that counts is the one to keep",
      toolIdempotencyMiddleware:
        "the ledger is to hold the result, not a handle that may be pruned",
    },
    options: settings,
    live: {
      name,
      ...(store === undefined ? {} : { store }),
      ...(tokenCounter === undefined ? {} : { tokenCounter: counterFrom(tokenCounter) }),
    },
    needs: store === undefined ? { store: true } : {},
    ...(settings.tools === null ? {} : { tools: makeReadingTools(settings.tools) }),
    wrapToolCall: offloadToolCall,
    wrapModelCall: offloadHistory,
  });
}

function settingsOf(options: ToolResultOffloadOptions): OffloadSettings {
  const { perTool = {}, preserveErrors = true, refArguments = {}, tools = {} } = options;
  const { maxTokens = 2_000, maxBytes = 32 * 1024, storeTimeoutMs = 10_000, preview } = options;
  return {
    thresholds: { maxTokens, maxBytes },
    perTool,
    previewTokens: preview?.maxTokens ?? null,
    limits: limitsOf(options),
    storeTimeoutMs,
    tools: tools === false ? null : { ...namesOf(tools), limits: tools.limits ?? {} },
    preserveErrors,
    refArguments,
  };
}

function limitsOf(options: ToolResultOffloadOptions): OffloadSettings["limits"] {
  const { ttlMs, maxThreadBytes, maxTotalBytes } = options;
  return {
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(maxThreadBytes === undefined ? {} : { maxThreadBytes }),
    ...(maxTotalBytes === undefined ? {} : { maxTotalBytes }),
  };
}

function namesOf(names: Parameters<typeof readingToolSpecs>[0]): {
  read: string;
  search: string;
  query: string;
} {
  const { read, search, query } = readingToolSpecs(names);
  return { read: read.name, search: search.name, query: query.name };
}

function counterFrom(
  counter: NonNullable<ToolResultOffloadOptions["tokenCounter"]>,
): NonNullable<OffloadLive["tokenCounter"]> {
  return typeof counter === "function"
    ? tokenCounterOf(counter.name || "custom", counter)
    : counter;
}
