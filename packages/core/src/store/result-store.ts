import type { Retention, Subject } from "./stores.ts";

/** Whose result it is: nobody but the same thread of the same scope can read it. */
export interface ResultOwner {
  /** The tenant: content is deduplicated inside a scope only. */
  scope: string;
  threadId: string;
}

/** A result that lies in a store, as far as it is known without reading it. */
export interface StoredResult {
  /** Version of this shape. */
  readonly v: 1;
  /** Names the result to its owner; short, and the same for the same content. */
  readonly handle: string;
  /** SHA-256 of the content, hexadecimal. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  readonly lines: number;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** When it was last stored or read, in epoch milliseconds. */
  readonly usedAt: number;
  /** Milliseconds after its last use for which it is kept; null: until somebody removes it. */
  readonly ttlMs: number | null;
  /** Small JSON facts given when it was first stored. */
  readonly meta: Readonly<Record<string, unknown>>;
}

/** One piece of a content. All but the last are equally long, so that a slice is found by division. */
export interface ResultChunk {
  /** 0-based. */
  readonly index: number;
  /** Line feeds in all chunks before this one. */
  readonly newlinesBefore: number;
  /** Line feeds in this one. */
  readonly newlines: number;
  readonly bytes: Uint8Array;
}

/** Which chunks a read wants, in order and at most `count` of them: by position, or by 1-based lines. */
export type ChunkRange =
  | { readonly first: number; readonly count: number }
  | { readonly line: number; readonly lastLine: number; readonly count: number };

/** One write under way: nothing of it can be read before `commit` has returned. */
export interface ResultWriter {
  /** Takes the next chunk; its bytes are not changed afterwards. */
  write(chunk: ResultChunk): Promise<void>;
  /**
   * Makes content and handle visible, both or neither. Where the scope has the content already, what
   * was written is dropped and the handle put on what is there, as by `linkResult`.
   */
  commit(result: StoredResult): Promise<StoredResult>;
  /** Drops what was written. */
  abort(): Promise<void>;
}

/** What an eviction may take. */
export interface Eviction {
  /** Whose results may go. @default everybody's */
  subject?: Subject | undefined;
  /** Bytes to free. */
  bytes: number;
  /** The result that stays whatever happens: the one that was just stored. */
  keep: { owner: ResultOwner; handle: string };
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
 * Where large tool results are kept: rows and chunks, no policy. Content belongs to a scope and is
 * kept once, as long as any handle points at it; a handle never points at nothing. `prune()` also
 * removes what is past its own `ttlMs`, and writes begun more than an hour ago that never ended.
 */
export interface ResultStore extends Retention {
  /** `startedAt` (epoch milliseconds) is when the write began, by which an orphan is known. */
  writeResult(owner: ResultOwner, startedAt: number): ResultWriter;
  /**
   * Puts a handle on content the scope has, undefined if it has it not. A handle that is there keeps
   * its creation and meta, and takes over `usedAt` and `ttlMs`; the row is answered.
   */
  linkResult(owner: ResultOwner, result: StoredResult): Promise<StoredResult | undefined>;
  findResult(owner: ResultOwner, handle: string): Promise<StoredResult | undefined>;
  /** The row and the wanted chunks, in one round trip where the backend can. */
  readResult(
    owner: ResultOwner,
    handle: string,
    range: ChunkRange,
  ): Promise<{ result: StoredResult; chunks: ResultChunk[] } | undefined>;
  /** Sets when the result was last used; false if there is none. */
  touchResult(owner: ResultOwner, handle: string, usedAt: number): Promise<boolean>;
  removeResult(owner: ResultOwner, handle: string): Promise<boolean>;
  /** Removes the least recently used until so many bytes went; answers how many results did. */
  evictResults(eviction: Eviction): Promise<number>;
  /** Of one thread, of a scope, or of everything. */
  resultUsage(subject?: Subject): Promise<ResultUsage>;
}

/** Milliseconds after which `prune()` takes a write that never ended for an orphan. */
export const ORPHAN_AFTER_MS: number = 3_600_000;

/** The positions of the chunks a range wants, given the line feeds in each chunk of the content. */
export function chunksInRange(
  range: ChunkRange,
  newlines: readonly number[],
): { first: number; count: number } {
  const total = newlines.length;
  if ("first" in range) {
    return { first: range.first, count: Math.max(0, Math.min(range.count, total - range.first)) };
  }
  let before = 0;
  let first = 0;
  // Line n begins behind line feed n - 1: the first chunk that holds that one, or the first of all.
  for (; first < total; first += 1) {
    const through = before + (newlines[first] ?? 0);
    if (through >= range.line - 1) break;
    before = through;
  }
  let count = 0;
  while (first + count < total && count < range.count && before < range.lastLine) {
    before += newlines[first + count] ?? 0;
    count += 1;
  }
  return { first, count };
}
