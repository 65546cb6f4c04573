/** The contract of Evenkeel's middleware and the three seams that carry it to any LangGraph graph. */
export { compose } from "./compose.ts";
export type { OnionHook, OnionLayer } from "./compose.ts";
export { defineMiddleware } from "./define-middleware.ts";
export type { EventListener } from "./emit.ts";
export * from "./errors.ts";
export * from "./event.ts";
export type { ExecutionInfo } from "./execution.ts";
export * from "./middleware.ts";
export * from "./stores.ts";
export { withMiddleware } from "./with-middleware.ts";
export type { RunOptions, WithMiddleware, WithMiddlewareOptions } from "./with-middleware.ts";
export { unwrapModel, wrapModel } from "./wrap-model.ts";
export type { WrapModelOptions } from "./wrap-model.ts";
export { wrapTools } from "./wrap-tools.ts";
