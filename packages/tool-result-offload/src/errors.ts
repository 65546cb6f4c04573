import { EvenkeelError } from "@evenkeel/core";

/** Every way in which keeping or reading a large result can fail. */
export type OffloadErrorCode =
  /** An option or argument of the wrong type or range. */
  | "invalid-options"
  /** There is neither a `store` option nor a LangGraph store. */
  | "store-required"
  /** A reading tool was called where no middleware saw the call. */
  | "outside-middleware"
  /** What came is no handle at all, or one with a mistake in it. */
  | "handle-malformed"
  /** A handle of another thread or scope, or one that was made up. */
  | "handle-foreign"
  /** The handle was of this thread, but what it named was pruned, deleted or forgotten. */
  | "result-gone"
  /** A result larger than the quota that is to hold it. */
  | "result-too-large"
  /** The source of a result failed before its end; nothing of it was kept. */
  | "source-failed"
  /** A value that cannot be brought back exactly, and therefore is not stored. */
  | "not-storable"
  /** The store failed. */
  | "store-unavailable"
  /** The store did not answer in time. */
  | "store-timeout"
  /** A write lasted so long that a prune took it for an orphan. */
  | "result-lost"
  /** What the store holds is not what was written. */
  | "result-corrupt"
  /** A regular expression that does not parse, or needs look-around or back-references. */
  | "pattern-invalid"
  /** A regular expression that compiles to too large a program. */
  | "pattern-too-large"
  /** A query that does not parse, or does not fit the data. */
  | "query-invalid"
  /** A query that ran out of time or memory. */
  | "query-exhausted"
  /** A query of something that is not JSON. */
  | "not-json"
  /** A result too large to be queried as a whole. */
  | "query-too-large";

/** A failure of keeping or reading a large result: see {@link OffloadErrorCode} for what can happen. */
export class OffloadError extends EvenkeelError<OffloadErrorCode> {}
