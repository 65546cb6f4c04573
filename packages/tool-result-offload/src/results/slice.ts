import type { ChunkRange, ResultChunk, StoredResult } from "@evenkeel/core";

import { CHUNK_BYTES, countNewlines } from "./chunk.ts";

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

/** The chunks that a slice lies in. */
export function chunkRangeOf(range: ByteRange | LineRange): ChunkRange {
  if ("offset" in range) {
    const first = Math.floor(range.offset / CHUNK_BYTES);
    const end = Math.ceil((range.offset + range.length) / CHUNK_BYTES);
    return { first, count: Math.max(0, end - first) };
  }
  // One chunk more than the bytes need: the line may begin anywhere in the first.
  const count = Math.ceil(range.maxBytes / CHUNK_BYTES) + 1;
  return { line: range.line, lastLine: range.line + range.lines - 1, count };
}

/** Cuts the slice out of its chunks. */
export function cutSlice(
  { size, lines }: StoredResult,
  chunks: readonly ResultChunk[],
  range: ByteRange | LineRange,
): ResultPiece {
  const head = chunks[0];
  if (head === undefined) return { offset: size, line: lines, bytes: new Uint8Array() };
  const base = head.index * CHUNK_BYTES;
  const bytes =
    chunks.length === 1 ? head.bytes : Buffer.concat(chunks.map((chunk) => chunk.bytes));
  if ("offset" in range) {
    const start = Math.min(range.offset - base, bytes.length);
    return {
      offset: base + start,
      line: head.newlinesBefore + countNewlines(bytes.subarray(0, start)) + 1,
      bytes: bytes.subarray(start, start + range.length),
    };
  }
  const start = afterNewlines(bytes, 0, range.line - 1 - head.newlinesBefore);
  if (start === undefined || base + start >= size) {
    return { offset: size, line: lines, bytes: new Uint8Array() };
  }
  const end = afterNewlines(bytes, start, range.lines) ?? bytes.length;
  return {
    offset: base + start,
    line: range.line,
    bytes: bytes.subarray(start, Math.min(end, start + range.maxBytes)),
  };
}

// The position behind the count-th line feed from `start` on.
function afterNewlines(bytes: Uint8Array, start: number, count: number): number | undefined {
  let position = start;
  for (let seen = 0; seen < count; seen += 1) {
    const at = bytes.indexOf(10, position);
    if (at === -1) return undefined;
    position = at + 1;
  }
  return position;
}
