import type { RunRequest } from "@evenkeel/core";

import type { RunManifest } from "../manifest/shape.ts";
import { isRecord, ownMember } from "../plain-json.ts";
import { sealOptions } from "./frozen-options.ts";
import { packageVersions } from "./package-versions.ts";
import { assertStorable } from "./user-config.ts";

/** Keys of `context` and `configurable` that belong to the configuration. */
export interface Include {
  readonly context?: readonly string[] | undefined;
  readonly configurable?: readonly string[] | undefined;
}

/** LangGraph's own limit, where a run is given none. */
const RECURSION_LIMIT = 25;

/** Describes what a run would freeze today, around the user's own configuration. */
export function describeRun(request: RunRequest, include: Include, config: unknown): RunManifest {
  const { graph, middleware } = request;
  const { configurable = {}, context, recursionLimit = RECURSION_LIMIT } = request.config;
  const assistant = configurable["assistant_id"] as unknown;
  return {
    config,
    middleware: middleware.map(({ name, options, mode }) => ({
      name,
      options: sealOptions(options),
      mode,
    })),
    recursionLimit,
    context: choose(context, include.context, "context"),
    configurable: choose(configurable, include.configurable, "configurable"),
    graph: {
      fingerprint: graph.fingerprint,
      nodes: [...graph.nodes],
      edges: graph.edges.map(([from, to]): [string, string] => [from, to]),
    },
    packages: { ...packageVersions() },
    assistantId: typeof assistant === "string" ? assistant : null,
  };
}

/**
 * What can drift of a run. Modes are switched live on purpose; a limit or a named key that a resume
 * leaves out is no other one.
 */
export function comparableRun(
  { graph, middleware, ...run }: RunManifest,
  { config }: RunRequest,
): Record<string, unknown> {
  const { context, configurable } = config;
  return {
    ...run,
    recursionLimit: config.recursionLimit === undefined ? null : run.recursionLimit,
    context: given(run.context, context),
    configurable: given(run.configurable, configurable),
    graph: { fingerprint: graph.fingerprint, nodes: graph.nodes.join(",") },
    middleware: Object.fromEntries(middleware.map(({ name, options }) => [name, options])),
  };
}

/** The run's config with the frozen limits and named keys in place of today's. */
export function withRunPart(
  request: RunRequest,
  frozen: RunManifest,
  include: Include,
): RunRequest {
  const { config } = request;
  const { context } = config;
  return {
    ...request,
    config: {
      ...config,
      recursionLimit: frozen.recursionLimit,
      ...(include.context === undefined || include.context.length === 0
        ? {}
        : { context: { ...without(context, include.context), ...frozen.context } }),
      configurable: {
        ...without(config.configurable, include.configurable),
        ...frozen.configurable,
      },
    },
  };
}

function choose(
  source: unknown,
  keys: readonly string[] = [],
  what: string,
): Record<string, unknown> {
  const record = isRecord(source) ? source : {};
  const entries = keys.map((key): [string, unknown] => [key, ownMember(record, key)]);
  const chosen = Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  assertStorable(chosen, `include.${what}`);
  return chosen;
}

function given(record: Record<string, unknown>, live: unknown): Record<string, unknown> {
  const today = isRecord(live) ? live : {};
  return Object.fromEntries(
    Object.entries(record).filter(([key]) => ownMember(today, key) !== undefined),
  );
}

function without(record: unknown, keys: readonly string[] = []): Record<string, unknown> {
  const entries = isRecord(record) ? Object.entries(record) : [];
  return Object.fromEntries(entries.filter(([key]) => !keys.includes(key)));
}
