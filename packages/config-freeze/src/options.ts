import type { HookContext, ManifestStore, MiddlewareMode } from "@evenkeel/core";

import type { ToolVersions } from "./calls/tool-calls.ts";
import type { Difference } from "./drift/drift.ts";
import type { ResolveModel } from "./parts/rebuild-model.ts";
import type { RevocationSource } from "./revoke.ts";
import type { Include } from "./run/run-part.ts";
import type { ConfigSource } from "./run/user-config.ts";

/** What happens where the live configuration differs from the frozen one. */
export type DriftAnswer = "use-frozen" | "warn" | "error";

/** True for one of the three answers. */
export function isDriftAnswer(value: unknown): value is DriftAnswer {
  return value === "use-frozen" || value === "warn" || value === "error";
}

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
  revoke?: RevocationSource;
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
export type FreezeOptions = Required<
  Pick<ConfigFreezeMiddlewareOptions, "include" | "onDrift" | "pinModelAlias">
>;

/** What comes from the live process. */
export type FreezeLive = Pick<
  ConfigFreezeMiddlewareOptions,
  "config" | "resolveModel" | "tools" | "revoke" | "store"
> &
  Required<Pick<ConfigFreezeMiddlewareOptions, "name" | "durability">>;

/** What the hooks of this package get as their context. */
export type FreezeContext = HookContext<FreezeOptions, FreezeLive>;
