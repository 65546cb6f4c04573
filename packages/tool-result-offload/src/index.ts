/** Large tool results live outside the context and can be read, searched and queried. */
export { baseStoreResults } from "./base-store-driver.ts";
export { CHUNK_BYTES } from "./chunk.ts";
export type { ResultChunk, ResultSource } from "./chunk.ts";
export { createResultStore } from "./create-result-store.ts";
export type { ResultStoreOptions } from "./create-result-store.ts";
export { directoryResults } from "./directory-driver.ts";
export { OffloadError } from "./errors.ts";
export type { OffloadErrorCode } from "./errors.ts";
export type { OwnerKey, ResultOwner } from "./handle.ts";
export { keepResult, recallResult, renderTruncated } from "./keep-result.ts";
export type { KeepOptions, KeptResult } from "./keep-result.ts";
export { memoryResults } from "./memory-driver.ts";
export { planOffload, thresholdsFor, validateThresholds } from "./offload.ts";
export type { OffloadPlan, OffloadThresholds, PerToolThresholds } from "./offload.ts";
export { offloadMarkOf } from "./offload-mark.ts";
export type { OffloadMark } from "./offload-mark.ts";
export type { ToolResultOffloadOptions } from "./offload-options.ts";
export { postgresResults } from "./postgres-driver.ts";
export { resultTablesSql } from "./postgres-results-sql.ts";
export { delimitAsData, renderOffloaded } from "./preview/frame.ts";
export type { ReadingToolNames } from "./preview/frame.ts";
export type { ContentKind } from "./preview/kind.ts";
export { previewContent } from "./preview/preview.ts";
export type { Preview, PreviewOptions } from "./preview/preview.ts";
export type { KnownFacts } from "./preview/sample.ts";
export type {
  ChunkRange,
  KeySubject,
  ResultDriver,
  ResultEntry,
  ResultWriter,
} from "./result-driver.ts";
export type {
  ByteRange,
  LineRange,
  PruneReport,
  PutOptions,
  ResultLimits,
  ResultPiece,
  ResultSlice,
  ResultStore,
  ResultUsage,
  StoredResult,
} from "./result-store.ts";
export { approximateCounter, loadTokenCounter, tokenCounterOf } from "./token-counter.ts";
export type { CountTokens, TokenCounter } from "./token-counter.ts";
export { queryResult } from "./tools/query-result.ts";
export type { QueryArguments } from "./tools/query-result.ts";
export { readResult } from "./tools/read-result.ts";
export type { ReadArguments } from "./tools/read-result.ts";
export type { ReadingAnswer, ReadingContext } from "./tools/reading-context.ts";
export { resolveReadingLimits } from "./tools/reading-limits.ts";
export type { ReadingLimits } from "./tools/reading-limits.ts";
export { readingToolSpecs } from "./tools/reading-tool-specs.ts";
export type { ReadingToolSpec } from "./tools/reading-tool-specs.ts";
export { searchResult } from "./tools/search-result.ts";
export type { SearchArguments } from "./tools/search-result.ts";
export { toolResultOffloadMiddleware } from "./tool-result-offload.ts";
