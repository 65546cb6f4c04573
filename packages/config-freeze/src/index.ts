/** An execution keeps the configuration it began with. */
export { configFreezeMiddleware } from "./config-freeze.ts";
export type { ConfigFreezeMiddleware } from "./config-freeze.ts";
export type { Difference } from "./drift/drift.ts";
export { ConfigFreezeError } from "./errors.ts";
export type { ConfigFreezeErrorCode } from "./errors.ts";
export type { FrozenModel, FrozenTool, RunManifest, SiteManifest } from "./manifest/shape.ts";
export type { ConfigFreezeMiddlewareOptions, DriftAnswer, DriftDecision } from "./options.ts";
export type { ResolveModel } from "./parts/rebuild-model.ts";
export type { Revocation } from "./revoke.ts";
export type { Include } from "./run/run-part.ts";
export type { ToolVersions } from "./calls/tool-calls.ts";
export { upgradeExecution } from "./run/upgrade-execution.ts";
export type { UpgradeOptions } from "./run/upgrade-execution.ts";
export type { ConfigRequest, ConfigSource, StandardSchema } from "./run/user-config.ts";
