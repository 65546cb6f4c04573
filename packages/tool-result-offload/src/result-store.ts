import type { Subject } from "@evenkeel/core";

import type { ResultSource } from "./chunk.ts";
import type { ResultOwner } from "./handle.ts";

/** A result that lies in a store, as far as it is known without reading it. */
export interface StoredResult {
  /** Version of this shape. */
  readonly v: 1;
  /** Names the result to the thread it belongs to, and to nobody else. */
  readonly handle: string;
  /** SHA-256 of the bytes, hexadecimal. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  readonly lines: number;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** When it was last stored or read, to the minute; ISO 8601, UTC. */
  readonly usedAt: string;
  /** When it goes unless it is used before; null: only by quota or by hand. ISO 8601, UTC. */
  readonly expiresAt: string | null;
  /** Small JSON facts given when it was first stored. */
  readonly meta: Readonly<Record<string, unknown>>;
}

/** How long results stay and how much room they have. */
export interface ResultLimits {
  /**
   * Milliseconds after its last use for which a result is kept; null keeps it until a quota or a
   * hand removes it.
   * @default 30 days
   */
  ttlMs?: number | null | undefined;
  /**
   * Bytes one thread may keep; the least recently used go first.
   * @default no limit
   */
  maxThreadBytes?: number | undefined;
  /**
   * Bytes the whole store may keep, shared content counted once; the least recently used go first.
   * @default no limit
   */
  maxTotalBytes?: number | undefined;
}

/** What goes with a result when it is stored. */
export interface PutOptions extends ResultLimits {
  /** Small JSON facts, returned with every read; of two puts of one content the first stays. */
  meta?: Readonly<Record<string, unknown>> | undefined;
}

/** A slice by bytes. */
export interface ByteRange {
  /** 0-based. */
  offset: number;
  length: number;
}

/** A slice by lines, cut after `maxBytes`. */
export interface LineRange {
  /** 1-based. */
  line: number;
  lines: number;
  maxBytes: number;
}

/** A part of a result. */
export interface ResultSlice {
  readonly result: StoredResult;
  /** Where the bytes begin, 0-based. */
  readonly offset: number;
  /** The line the first byte is in, 1-based. */
  readonly line: number;
  readonly bytes: Uint8Array;
}

/** A piece of a result on its way through a stream. */
export type ResultPiece = Omit<ResultSlice, "result">;

/** What a cleaning removed. */
export interface PruneReport {
  /** Handles that expired. */
  readonly results: number;
  /** Contents and unfinished writes nobody can reach. */
  readonly orphans: number;
}

/** How much lies in a store. */
export interface ResultUsage {
  readonly results: number;
  /** Bytes of all results, shared content counted for each. */
  readonly bytes: number;
  /** Bytes kept, shared content counted once. */
  readonly storedBytes: number;
}

/**
 * Where large tool results live. Content-addressed, deduplicated inside a scope, written in chunks
 * so that a slice is read without the rest. A result is visible once it is whole, and not before.
 * A handle that is not the owner's, or whose result is gone, reads as undefined.
 */
export interface ResultStore {
  /** Keeps a result and names it; the same content in the same thread gives the same handle. */
  put(owner: ResultOwner, source: ResultSource, options?: PutOptions): Promise<StoredResult>;
  stat(owner: ResultOwner, handle: string): Promise<StoredResult | undefined>;
  /** A slice, in one round trip; beyond the end it is empty. */
  read(
    owner: ResultOwner,
    handle: string,
    range: ByteRange | LineRange,
  ): Promise<ResultSlice | undefined>;
  /** The result from `offset` on, some chunks at a time; throws `result-gone` if there is none. */
  stream(
    owner: ResultOwner,
    handle: string,
    range?: { offset?: number },
  ): AsyncIterable<ResultPiece>;
  /** Counts as a use, so that it stays; false if there is no such result. */
  touch(owner: ResultOwner, handle: string): Promise<boolean>;
  delete(owner: ResultOwner, handle: string): Promise<boolean>;
  /** Removes what expired and what an interrupted write left behind. */
  prune(options?: { now?: number }): Promise<PruneReport>;
  /** Erases everything of a thread or of a scope; answers how many results went. */
  forget(subject: Subject): Promise<number>;
  usage(subject?: Subject): Promise<ResultUsage>;
}
