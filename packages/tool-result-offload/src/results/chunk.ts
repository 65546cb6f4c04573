import type { ResultChunk } from "@evenkeel/core";

import { encodeText } from "./text-bytes.ts";

/**
 * 64 KiB. A page of any reading tool (at most 16 KB) touches one chunk or two; 200 MB are 3,200 rows,
 * whose index a driver reads in about a millisecond; in base64 a chunk is 87 KB, which every
 * key-value store takes as one item. Smaller chunks cost rows, larger ones bytes read in vain.
 */
export const CHUNK_BYTES: number = 64 * 1024;

/** What a result is stored from; an async iterable is never held as a whole. */
export type ResultSource = string | Uint8Array | AsyncIterable<Uint8Array>;

/** Cuts a source into chunks and counts its line feeds on the way. */
export async function* chunksOf(source: ResultSource): AsyncGenerator<ResultChunk> {
  let pending = new Uint8Array(CHUNK_BYTES);
  let filled = 0;
  let index = 0;
  let newlinesBefore = 0;
  for await (const piece of piecesOf(source)) {
    for (let taken = 0; taken < piece.length;) {
      const part = piece.subarray(taken, taken + CHUNK_BYTES - filled);
      pending.set(part, filled);
      filled += part.length;
      taken += part.length;
      if (filled < CHUNK_BYTES) continue;
      const newlines = countNewlines(pending);
      yield { index, newlinesBefore, newlines, bytes: pending };
      newlinesBefore += newlines;
      index += 1;
      // A driver may keep what it was given, so each chunk has memory of its own.
      pending = new Uint8Array(CHUNK_BYTES);
      filled = 0;
    }
  }
  if (filled === 0) return;
  const bytes = pending.slice(0, filled);
  yield { index, newlinesBefore, newlines: countNewlines(bytes), bytes };
}

/** Line feeds in some bytes. */
export function countNewlines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) count += 1;
  return count;
}

/** The pieces of a source as bytes, in order. */
export function piecesOf(source: ResultSource): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (typeof source === "string") return encodeText(source);
  return source instanceof Uint8Array ? [source] : source;
}
