import { hashJson, redact } from "@evenkeel/core";

import { differencesBetween } from "./drift.ts";
import { ConfigFreezeError } from "./errors.ts";
import type { FrozenModel } from "./manifest.ts";
import { secretPaths } from "./secrets.ts";

/** Builds the model of a frozen description, where its class or provider is not the live one. */
export type ResolveModel = (frozen: FrozenModel) => unknown;

interface ModelLike {
  lc_kwargs?: Record<string, unknown>;
  lc_secrets?: Record<string, string>;
  model?: unknown;
  modelName?: unknown;
  constructor: new (fields: Record<string, unknown>) => object;
  invocationParams?(options?: Record<string, unknown>): Record<string, unknown>;
  getLsParams?(options: Record<string, unknown>): { ls_provider?: string; ls_model_name?: string };
  _llmType?(): string;
  _getModelInstance?(config?: unknown): Promise<object>;
}

// How a model is reached and watched belongs to the process that runs, not to the execution.
const CONNECTION = new Set([
  "apiKey",
  "baseURL",
  "baseUrl",
  "cache",
  "callbacks",
  "client",
  "clientOptions",
  "configuration",
  "createClient",
  "dangerouslyAllowBrowser",
  "defaultHeaders",
  "endpoint",
  "fields",
  "httpAgent",
  "maxConcurrency",
  "maxRetries",
  "metadata",
  "onFailedAttempt",
  "organization",
  "project",
  "region",
  "tags",
  "timeout",
  "verbose",
]);
// Said per call, not per model.
const PER_CALL = new Set([
  "tools",
  "tool_choice",
  "functions",
  "function_call",
  "stream",
  "stream_options",
]);

/** The model a request will really call: a configurable one is resolved first. */
export async function concreteModel(model: unknown, config: unknown): Promise<object> {
  const candidate = model as ModelLike;
  const resolved = await candidate._getModelInstance?.(config);
  return resolved ?? (model as object);
}

/** A model as it is recorded: class, provider, name and the settings that shape its answers. */
export function describeModel(model: object): FrozenModel {
  const live = model as ModelLike;
  const ls = attempt(() => live.getLsParams?.({})) ?? {};
  const name = live.model ?? live.modelName ?? ls.ls_model_name;
  return {
    class: model.constructor.name,
    provider: ls.ls_provider ?? attempt(() => live._llmType?.()) ?? null,
    name: typeof name === "string" ? name : null,
    fields: pick(live.lc_kwargs ?? {}, (key, value) => shapes(live, key, value)),
    parameters: pick(
      attempt(() => live.invocationParams?.({})) ?? {},
      (key, value) => !PER_CALL.has(key) && isJson(value),
    ),
  };
}

/** True where two descriptions make the same calls. */
export function sameModel(one: FrozenModel, other: FrozenModel): boolean {
  return (
    one.class === other.class &&
    one.provider === other.provider &&
    one.name === other.name &&
    hashJson(one.parameters) === hashJson(other.parameters) &&
    (Object.keys(one.parameters).length > 0 || hashJson(one.fields) === hashJson(other.fields))
  );
}

/**
 * Builds the frozen model anew: of the live model's class with the frozen settings and the live
 * connection, or by `resolveModel`; what comes out is checked against the frozen parameters.
 */
export function rebuildModel(
  frozen: FrozenModel,
  live: object,
  resolveModel: ResolveModel | undefined,
): object {
  const tried: string[] = [];
  if (model(live).constructor.name === frozen.class) {
    const rebuilt = attempt(() => reconstruct(frozen, model(live)));
    if (rebuilt !== undefined && sameModel(describeModel(rebuilt), frozen)) return rebuilt;
    tried.push(`${frozen.class} constructed anew${mismatch(rebuilt, frozen)}`);
  }
  if (resolveModel !== undefined) {
    const resolved = resolveModel(frozen);
    if (typeof resolved === "object" && resolved !== null) {
      if (sameModel(describeModel(resolved), frozen)) return resolved;
      tried.push(`resolveModel()${mismatch(resolved, frozen)}`);
    } else {
      tried.push(`resolveModel() gave ${typeof resolved}`);
    }
  }
  throw new ConfigFreezeError({
    code: "model-not-rebuildable",
    message: `The execution is frozen to ${frozen.class} "${frozen.name ?? "?"}" and the live model is ${model(live).constructor.name}; the frozen one could not be built (${tried.join("; ") || "no way to try"}). Give configFreezeMiddleware a \`resolveModel\`, or set onDrift: "warn" to go on with the live model.`,
    details: { frozen: redact(frozen), tried },
  });
}

function reconstruct(frozen: FrozenModel, live: ModelLike): object {
  const kept = pick(live.lc_kwargs ?? {}, (key, value) => !shapes(live, key, value));
  return new live.constructor({ ...kept, ...frozen.fields });
}

function mismatch(candidate: object | undefined, frozen: FrozenModel): string {
  if (candidate === undefined) return " threw";
  const differences = differencesBetween(frozen.parameters, describeModel(candidate).parameters);
  const fields = differences.slice(0, 5).map(({ field }) => field);
  return fields.length === 0 ? " is another model" : ` differs in ${fields.join(", ")}`;
}

/** True for a constructor field that shapes answers: plain JSON, no secret, no connection. */
function shapes(live: ModelLike, key: string, value: unknown): boolean {
  if (CONNECTION.has(key) || Object.hasOwn(attempt(() => live.lc_secrets) ?? {}, key)) return false;
  return isJson(value) && secretPaths({ [key]: value }).length === 0;
}

function model(value: object): ModelLike {
  return value as ModelLike;
}

function pick(
  record: Record<string, unknown>,
  wanted: (key: string, value: unknown) => boolean,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).filter(([key, value]) => value !== undefined && wanted(key, value)),
  );
}

function isJson(value: unknown): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isJson);
  if (typeof value !== "object") return false;
  const prototype = Object.getPrototypeOf(value) as unknown;
  return (
    (prototype === Object.prototype || prototype === null) &&
    Object.values(value).every((item) => item === undefined || isJson(item))
  );
}

// A provider's description of itself may throw (no credentials, no model): then it says nothing.
function attempt<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
