/** Large tool results live outside the context and can be read, searched and queried. */
export { offloadMarkOf } from "./call/mark.ts";
export type { OffloadMark } from "./call/mark.ts";
export { baseStoreResults } from "./drivers/base-store/driver.ts";
export type { BaseStoreResultsOptions } from "./drivers/base-store/driver.ts";
export { directoryResults } from "./drivers/directory/driver.ts";
export { encryptedResults } from "./drivers/encrypted-results.ts";
export { OffloadError } from "./errors.ts";
export type { OffloadErrorCode } from "./errors.ts";
export type { ToolResultOffloadOptions } from "./options.ts";
export { recallResult } from "./reading/recall-result.ts";
export type { RecallSource } from "./reading/recall-result.ts";
export type { CountTokens, TokenCounter } from "./threshold/token-counter.ts";
export { toolResultOffloadMiddleware } from "./tool-result-offload.ts";
