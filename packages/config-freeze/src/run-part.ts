import { createRequire } from "node:module";

import type { RunRequest } from "@evenkeel/core";

import { ConfigFreezeError } from "./errors.ts";
import type { RunManifest } from "./manifest.ts";
import { secretPaths } from "./secrets.ts";

/** What a `config` function is asked with, once per execution. */
export interface ConfigRequest {
  readonly context: unknown;
  readonly configurable: Readonly<Record<string, unknown>>;
  readonly threadId: string | null;
}

/** A schema of any library that follows Standard Schema. */
export interface StandardSchema<Output> {
  readonly "~standard": {
    validate(value: unknown): SchemaResult<Output> | Promise<SchemaResult<Output>>;
  };
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: unknown }[] };

/** Where the user's configuration comes from: a function, or a schema over the run's context. */
export type ConfigSource<Config> =
  | StandardSchema<Config>
  | ((request: ConfigRequest) => Config | Promise<Config>);

/** Keys of `context` and `configurable` that belong to the configuration. */
export interface Include {
  readonly context?: readonly string[];
  readonly configurable?: readonly string[];
}

/** Describes what a run would freeze today. */
export async function describeRun(
  request: RunRequest,
  source: ConfigSource<unknown> | undefined,
  include: Include,
): Promise<RunManifest> {
  return { ...describeAround(request, include), config: await evaluate(source, request) };
}

/** The same without the user's configuration, which is evaluated once per execution. */
export function describeAround(request: RunRequest, include: Include): RunManifest {
  const { config, graph, middleware } = request;
  const { configurable = {} } = config;
  const assistant = configurable["assistant_id"] as unknown;
  return {
    config: null,
    middleware: middleware.map(({ name, options, mode }) => ({ name, options, mode })),
    recursionLimit: config.recursionLimit ?? null,
    context: choose(config["context"], include.context),
    configurable: choose(configurable, include.configurable),
    graph: {
      fingerprint: graph.fingerprint,
      nodes: [...graph.nodes],
      edges: graph.edges.map(([from, to]): [string, string] => [from, to]),
    },
    packages: packageVersions(),
    assistantId: typeof assistant === "string" ? assistant : null,
  };
}

/** The run's config with the frozen limits and named keys in place of today's. */
export function withRunPart(request: RunRequest, frozen: RunManifest): RunRequest {
  const { config } = request;
  const context = config["context"];
  return {
    ...request,
    config: {
      ...config,
      ...(frozen.recursionLimit === null ? {} : { recursionLimit: frozen.recursionLimit }),
      ...(Object.keys(frozen.context).length === 0
        ? {}
        : { context: { ...(context as object | undefined), ...frozen.context } }),
      configurable: { ...config.configurable, ...frozen.configurable },
    },
  };
}

/** Frozen options over live ones: what is not JSON (functions, stores) comes from the live process. */
export function thawOptions(
  recorded: Readonly<Record<string, unknown>>,
  live: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return thaw(recorded, live) as Record<string, unknown>;
}

function thaw(recorded: unknown, live: unknown): unknown {
  if (!isRecord(recorded)) return recorded;
  if (Object.keys(recorded).some((key) => key.startsWith("~"))) return live;
  const from = isRecord(live) ? live : {};
  const keys = new Set([...Object.keys(recorded), ...Object.keys(from)]);
  return Object.fromEntries(
    [...keys].map((key) => [
      key,
      Object.hasOwn(recorded, key) ? thaw(recorded[key], from[key]) : from[key],
    ]),
  );
}

async function evaluate(
  source: ConfigSource<unknown> | undefined,
  request: RunRequest,
): Promise<unknown> {
  if (source === undefined) return null;
  const { context, configurable = {} } = request.config;
  const value =
    typeof source === "function"
      ? await source({ context, configurable, threadId: request.execution.threadId })
      : await validate(source, context ?? configurable);
  assertNoSecrets(value);
  return value ?? null;
}

async function validate(schema: StandardSchema<unknown>, value: unknown): Promise<unknown> {
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) return result.value;
  throw new ConfigFreezeError({
    code: "config-invalid",
    message: `The run's context does not satisfy the \`config\` schema: ${result.issues
      .slice(0, 3)
      .map(({ message }) => message)
      .join("; ")}.`,
    details: { issues: result.issues.length },
  });
}

function assertNoSecrets(value: unknown): void {
  const paths = secretPaths(value);
  if (paths.length === 0) return;
  throw new ConfigFreezeError({
    code: "config-invalid",
    message: `\`config\` holds at "${paths[0]}" what looks like a secret or is no plain JSON. A manifest is stored: read secrets from the live process where they are used.`,
    details: { fields: paths.slice(0, 10) },
  });
}

function choose(source: unknown, keys: readonly string[] | undefined): Record<string, unknown> {
  const record = isRecord(source) ? source : {};
  return Object.fromEntries(
    (keys ?? []).map((key) => [key, record[key] === undefined ? null : record[key]]),
  );
}

const PACKAGES = ["@langchain/langgraph", "@langchain/core", "langchain", "@evenkeel/core"];
let versions: Record<string, string> | undefined;

/** Versions of the packages that decide how a run behaves, as far as they are installed. */
function packageVersions(): Record<string, string> {
  if (versions !== undefined) return versions;
  const require = createRequire(import.meta.url);
  versions = {};
  for (const name of PACKAGES) {
    try {
      versions[name] = (require(`${name}/package.json`) as { version: string }).version;
    } catch {
      // Not installed, or it keeps its package.json to itself.
    }
  }
  return versions;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
