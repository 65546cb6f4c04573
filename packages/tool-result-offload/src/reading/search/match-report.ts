import { figure } from "../../preview/cut.ts";
import { WINDOW_BYTES } from "./line-segments.ts";
import type { LineSegment } from "./line-segments.ts";

/** One match and the lines around it, as grep would print them. */
export interface ReportedMatch {
  /** Where a search has to go on to find what comes behind this match. */
  readonly resumeAt: number;
  readonly lines: string[];
}

/** Gathers matches with their context while the lines go by. */
export interface MatchReport {
  readonly matches: ReportedMatch[];
  /** True while lines behind the last match are still wanted. */
  readonly wantsMore: boolean;
  match(segment: LineSegment, range: { start: number; end: number } | undefined): void;
  /** A line without a match: context for the one before or the one to come. */
  pass(segment: LineSegment): void;
}

const SHOWN_BYTES = 400;
const BEFORE_BYTES = 120;

export function matchReport(context: number): MatchReport {
  const matches: ReportedMatch[] = [];
  let before: string[] = [];
  let owed = 0;
  let printed = 0;
  return {
    matches,
    get wantsMore() {
      return owed > 0;
    },
    match: (segment, range) => {
      const gap = printed > 0 && segment.line - before.length > printed + 1 ? ["--"] : [];
      const lines = [...gap, ...before, matchLine(segment, range)];
      const end =
        range === undefined || isWholeLine(segment) ? segment.bytes.length + 1 : range.end;
      // An empty match must not hold the next search at the same place.
      matches.push({ resumeAt: segment.offset + Math.max(end, (range?.start ?? 0) + 1), lines });
      before = [];
      owed = context;
      printed = segment.line;
    },
    pass: (segment) => {
      if (!segment.beginsLine || segment.line === printed) return;
      const line = `${segment.line}- ${shown(segment.bytes, 0)}`;
      if (owed > 0) {
        matches.at(-1)?.lines.push(line);
        owed -= 1;
        printed = segment.line;
        return;
      }
      before.push(line);
      if (before.length > context) before.shift();
    },
  };
}

/** True if the segment is a line that was seen as a whole. */
export function isWholeLine(segment: LineSegment): boolean {
  return segment.beginsLine && segment.ownUntil === Number.POSITIVE_INFINITY;
}

/** True if a match in this segment is reported by its position, because its line is too long to show. */
export function needsPosition(segment: LineSegment): boolean {
  return segment.bytes.length > SHOWN_BYTES || !isWholeLine(segment);
}

function matchLine(
  segment: LineSegment,
  range: { start: number; end: number } | undefined,
): string {
  if (range === undefined) return `${segment.line}: ${shown(segment.bytes, 0)}`;
  const from = Math.max(0, range.start - BEFORE_BYTES);
  const at = figure(segment.offset + range.start).replaceAll(",", "");
  return `${segment.line} (offset ${at}): ${shown(segment.bytes, from)}`;
}

function shown(bytes: Uint8Array, from: number): string {
  const end = Math.min(bytes.length, from + SHOWN_BYTES);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from).toString("utf8");
  // A character cut at either end decodes to replacement characters, which say nothing.
  const whole = text.replace(/^\ufffd{1,3}/, "").replace(/\ufffd{1,3}$/, "");
  const more = end < bytes.length || bytes.length >= WINDOW_BYTES;
  return `${from > 0 ? "… " : ""}${whole}${more ? " …" : ""}`;
}
