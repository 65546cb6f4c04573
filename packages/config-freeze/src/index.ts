/** An execution keeps the configuration it began with. */
export { configFreezeMiddleware } from "./config-freeze.ts";
export type { ConfigFreezeMiddleware } from "./config-freeze.ts";
export type { Difference } from "./drift.ts";
export { ConfigFreezeError } from "./errors.ts";
export type { ConfigFreezeErrorCode } from "./errors.ts";
export type { FrozenModel, FrozenTool, RunManifest, SiteManifest } from "./manifest-shape.ts";
export type { ConfigFreezeMiddlewareOptions, DriftAnswer, DriftDecision } from "./options.ts";
export type { ResolveModel } from "./rebuild-model.ts";
export type { Revocation } from "./revoke.ts";
export type { Include } from "./run-part.ts";
export type { ToolVersions } from "./tool-calls.ts";
export { upgradeExecution } from "./upgrade-execution.ts";
export type { UpgradeOptions } from "./upgrade-execution.ts";
export type { ConfigRequest, ConfigSource, StandardSchema } from "./user-config.ts";
