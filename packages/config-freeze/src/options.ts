import type { HookContext, ManifestStore, MiddlewareMode } from "@evenkeel/core";

import type { Difference } from "./drift.ts";
import { ConfigFreezeError } from "./errors.ts";
import type { ResolveModel } from "./frozen-model.ts";
import type { Revocation } from "./revoke.ts";
import type { ConfigSource, Include } from "./run-part.ts";
import type { ToolVersions } from "./tool-calls.ts";

/** What happens where the live configuration differs from the frozen one. */
export type DriftAnswer = "use-frozen" | "warn" | "error";

/** Decides per difference; asked with where it is and what differs. */
export type DriftDecision = (drift: {
  /** A call site, or `"run"` for what was frozen with the input. */
  readonly where: string;
  readonly differences: readonly Difference[];
}) => DriftAnswer;

/** Options of {@link configFreezeMiddleware}. */
export interface ConfigFreezeMiddlewareOptions<Config = unknown> {
  /** The application's own configuration, evaluated once per execution; plain JSON without secrets. @default none */
  config?: ConfigSource<Config>;
  /** Keys of `context` and `configurable` to freeze with it. @default none */
  include?: Include;
  /** What to do where live and frozen differ. @default "use-frozen" */
  onDrift?: DriftAnswer | DriftDecision;
  /** Builds a frozen model the live one cannot be rebuilt into, such as one of another provider. @default none */
  resolveModel?: ResolveModel;
  /** Implementations for tools as older executions have them frozen, by name. @default none */
  tools?: ToolVersions;
  /** What must not be used any more, read live with every call. @default none */
  revoke?: Revocation | (() => Revocation | Promise<Revocation>);
  /** Calls an alias by the dated name of its first answer from then on. @default false */
  pinModelAlias?: boolean;
  /** `"sync"` writes each checkpoint before the next step; `"inherit"` leaves the caller's choice alone. @default "sync" */
  durability?: "sync" | "inherit";
  /** Keeps manifest bodies outside the checkpoint, by hash; the checkpoint keeps the hash. @default the private channel */
  store?: ManifestStore;
  /** @default "enforce" */
  mode?: MiddlewareMode;
  /** @default "configFreezeMiddleware" */
  name?: string;
}

/** The options that shape behaviour and are frozen with the execution. */
export type FreezeOptions = Pick<
  ConfigFreezeMiddlewareOptions,
  "include" | "onDrift" | "pinModelAlias"
>;

/** What comes from the live process. */
export type FreezeLive = Pick<
  ConfigFreezeMiddlewareOptions,
  "config" | "resolveModel" | "tools" | "revoke" | "store"
>;

/** What the hooks of this package get as their context. */
export type FreezeContext = HookContext<FreezeOptions, FreezeLive>;

const ALLOWED = [
  "config",
  "include",
  "onDrift",
  "resolveModel",
  "tools",
  "revoke",
  "pinModelAlias",
  "durability",
  "store",
  "mode",
  "name",
];

/** Checks options at construction; what is wrong is named, with what came and what is allowed. */
export function assertOptions(options: unknown): void {
  if (!isRecord(options)) refuse("options", options, "an object");
  const given = options as Record<string, unknown>;
  const unknown = Object.keys(given).find((key) => !ALLOWED.includes(key));
  if (unknown !== undefined) refuse(unknown, given[unknown], `one of ${ALLOWED.join(", ")}`);
  const { config, include, onDrift, resolveModel, tools, revoke } = given;
  if (config !== undefined && typeof config !== "function" && !isSchema(config)) {
    refuse("config", config, "a function or a Standard Schema");
  }
  if (include !== undefined) assertInclude(include);
  if (
    onDrift !== undefined &&
    typeof onDrift !== "function" &&
    !["use-frozen", "warn", "error"].includes(onDrift as string)
  ) {
    refuse("onDrift", onDrift, '"use-frozen", "warn", "error" or a function');
  }
  if (resolveModel !== undefined && typeof resolveModel !== "function") {
    refuse("resolveModel", resolveModel, "a function");
  }
  if (tools !== undefined && !isRecord(tools)) refuse("tools", tools, "an object of tools by name");
  if (revoke !== undefined && typeof revoke !== "function") assertRevoke(revoke);
  assertRest(given);
}

function assertRest({ pinModelAlias, durability, store, name }: Record<string, unknown>): void {
  if (pinModelAlias !== undefined && typeof pinModelAlias !== "boolean") {
    refuse("pinModelAlias", pinModelAlias, "true or false");
  }
  if (durability !== undefined && durability !== "sync" && durability !== "inherit") {
    refuse("durability", durability, '"sync" or "inherit"');
  }
  if (
    store !== undefined &&
    typeof (store as { putManifest?: unknown }).putManifest !== "function"
  ) {
    refuse("store", store, "a ManifestStore, such as evenkeelPostgres(pool)");
  }
  if (name !== undefined && (typeof name !== "string" || name === "")) {
    refuse("name", name, "a non-empty string");
  }
}

function assertInclude(include: unknown): void {
  if (!isRecord(include))
    refuse("include", include, "{ context?: string[], configurable?: string[] }");
  for (const [key, value] of Object.entries(include as Record<string, unknown>)) {
    if (key !== "context" && key !== "configurable") {
      refuse(`include.${key}`, value, "include.context and include.configurable");
    }
    if (!isNames(value)) refuse(`include.${key}`, value, "a list of key names");
  }
}

function assertRevoke(revoke: unknown): void {
  if (!isRecord(revoke))
    refuse("revoke", revoke, "{ tools?, models?, configHashes? } or a function");
  for (const [key, value] of Object.entries(revoke as Record<string, unknown>)) {
    if (!["tools", "models", "configHashes"].includes(key)) {
      refuse(`revoke.${key}`, value, "revoke.tools, revoke.models and revoke.configHashes");
    }
    if (!isNames(value)) refuse(`revoke.${key}`, value, "a list of names");
  }
}

function refuse(option: string, came: unknown, allowed: string): never {
  throw new ConfigFreezeError({
    code: "invalid-options",
    middleware: "configFreezeMiddleware",
    message: `configFreezeMiddleware: option "${option}": ${describe(came)} came; allowed is ${allowed}.`,
    details: { option },
  });
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value === null || typeof value === "number" || typeof value === "boolean") {
    return String(value);
  }
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}

function isSchema(value: unknown): boolean {
  return isRecord(value) && isRecord(value["~standard"]);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
