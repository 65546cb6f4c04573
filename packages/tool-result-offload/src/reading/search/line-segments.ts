import type { ResultPiece } from "../../results/slice.ts";

/** A line of a stream, or a window of a line too long to be held. */
export interface LineSegment {
  /** 1-based. */
  readonly line: number;
  /** Where the bytes begin in the result. */
  readonly offset: number;
  /** Without the line feed. */
  readonly bytes: Uint8Array;
  /** Matches that begin at or behind this position are seen again, and better, in the next window. */
  readonly ownUntil: number;
  /** False for every window but a line's first. */
  readonly beginsLine: boolean;
}

/** Windows of 4 KB that overlap by a quarter: what a regular expression sees of a line at once. */
export const WINDOW_BYTES: number = 4_096;
const OVERLAP_BYTES = 1_024;

/** Cuts a stream into lines and long lines into windows; holds a window and a chunk, never more. */
export async function* lineSegments(
  pieces: AsyncIterable<ResultPiece>,
): AsyncGenerator<LineSegment[]> {
  let carried: Uint8Array = new Uint8Array();
  let offset = -1;
  let line = 0;
  let beginsLine = true;
  let segments: LineSegment[] = [];

  const take = (bytes: Uint8Array, ownUntil: number): void => {
    segments.push({ line, offset, bytes, ownUntil, beginsLine });
  };

  for await (const piece of pieces) {
    if (offset === -1) ({ offset, line } = piece);
    const bytes = carried.length === 0 ? piece.bytes : Buffer.concat([carried, piece.bytes]);
    let position = 0;
    while (position < bytes.length) {
      const feed = bytes.indexOf(10, position);
      const end = feed === -1 ? bytes.length : feed;
      if (end - position > WINDOW_BYTES) {
        const cut = beforeCharacter(bytes, position + WINDOW_BYTES);
        const own = beforeCharacter(bytes, cut - OVERLAP_BYTES);
        take(bytes.subarray(position, cut), own - position);
        offset += own - position;
        position = own;
        beginsLine = false;
        continue;
      }
      if (feed === -1) break;
      take(bytes.subarray(position, feed), Number.POSITIVE_INFINITY);
      offset += feed + 1 - position;
      position = feed + 1;
      line += 1;
      beginsLine = true;
    }
    carried = bytes.subarray(position);
    yield segments;
    segments = [];
  }
  if (carried.length > 0) take(carried, Number.POSITIVE_INFINITY);
  yield segments;
}

// The position at or before `position` where a UTF-8 character begins.
function beforeCharacter(bytes: Uint8Array, position: number): number {
  let start = position;
  while (start > position - 3 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1;
  return start;
}
