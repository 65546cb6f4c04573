import type { ResultChunk } from "./chunk.ts";
import type { OwnerKey } from "./handle.ts";
import type { ResultUsage } from "./result-store.ts";

/** One handle's row, as drivers keep it. */
export interface ResultEntry {
  readonly v: 1;
  readonly handle: string;
  readonly digest: string;
  readonly size: number;
  readonly lines: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Milliseconds since 1970. */
  readonly usedAt: number;
  readonly ttlMs: number | null;
  readonly meta: Readonly<Record<string, unknown>>;
}

/** Which chunks a read wants, in order and at most `count` of them. */
export type ChunkRange =
  | { readonly first: number; readonly count: number }
  | { readonly line: number; readonly lastLine: number; readonly count: number };

/** Whose rows: everything, a scope's, or a thread's. */
export type KeySubject = Partial<OwnerKey>;

/** One write under way: nothing of it can be read before `commit` has returned. */
export interface ResultWriter {
  write(chunk: ResultChunk): Promise<void>;
  /**
   * Makes the content and its handle visible, both or neither. Where the scope has the content
   * already, what was written is dropped and the handle put on what is there, as by `link`.
   */
  commit(key: OwnerKey, entry: ResultEntry): Promise<ResultEntry>;
  /** Drops what was written. */
  abort(): Promise<void>;
}

/**
 * The small interface behind every {@link ResultStore}: rows and chunks, no policy. Content belongs
 * to a scope and is kept while any handle points at it; a handle never points at nothing.
 */
export interface ResultDriver {
  /** `startedAt` (milliseconds since 1970) is when the write began, by which an orphan is known. */
  writer(scope: string, startedAt: number): ResultWriter;
  /**
   * Puts a handle on content the scope has, undefined if it has it not. A handle that is there
   * already keeps its creation and meta and takes over `usedAt` and `ttlMs`; the row is answered.
   */
  link(key: OwnerKey, entry: ResultEntry): Promise<ResultEntry | undefined>;
  find(key: OwnerKey, handle: string): Promise<ResultEntry | undefined>;
  /** The row and the wanted chunks, in one round trip. */
  chunks(
    key: OwnerKey,
    handle: string,
    range: ChunkRange,
  ): Promise<{ entry: ResultEntry; chunks: ResultChunk[] } | undefined>;
  /** Sets when the result was last used; false if there is none. */
  use(key: OwnerKey, handle: string, usedAt: number): Promise<boolean>;
  remove(key: OwnerKey, handle: string): Promise<boolean>;
  forget(subject: KeySubject): Promise<number>;
  /** Removes rows whose `usedAt + ttlMs` has passed; answers how many. */
  removeExpired(now: number): Promise<number>;
  /** Removes content without a handle and writes begun before `startedBefore` that never ended. */
  removeOrphans(startedBefore: number): Promise<number>;
  usage(subject: KeySubject): Promise<ResultUsage>;
  /** The rows whose last use is longest ago, oldest first. */
  leastRecentlyUsed(
    subject: KeySubject,
    limit: number,
  ): Promise<{ key: OwnerKey; handle: string; size: number }[]>;
}

/** The positions of the chunks a range wants, given the line feeds in each chunk. */
export function wantedChunks(
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
