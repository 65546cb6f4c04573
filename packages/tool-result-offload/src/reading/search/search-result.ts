import { quoteAsData } from "@evenkeel/core";

import { counted, figure } from "../../preview/cut.ts";
import { answering, checkedHandle, resultGone, wholeNumber } from "../context.ts";
import type { ReadingAnswer, ReadingContext } from "../context.ts";
import { lineSegments } from "./line-segments.ts";
import type { LineSegment } from "./line-segments.ts";
import { isWholeLine, matchReport, needsPosition } from "./match-report.ts";
import type { MatchReport, ReportedMatch } from "./match-report.ts";
import { compilePattern } from "./pattern.ts";
import type { LinePattern } from "./pattern.ts";

/** What to look for in a result. */
export interface SearchArguments {
  handle: string;
  /** A regular expression in RE2 syntax, matched line by line. */
  pattern: string;
  /** Lines shown before and after each match. @default 1 */
  context?: number | null | undefined;
  /** Most matches in one answer. @default 20 */
  limit?: number | null | undefined;
  /** Byte to search from, as an answer before named it. @default 0 */
  offset?: number | null | undefined;
}

const MAX_CONTEXT = 10;
const MAX_LIMIT = 100;

/**
 * Finds the lines of a result that a regular expression matches, with context, streaming over it in
 * bounded memory. Stops at the limit of matches, of size or of time, and says where to go on.
 */
export function searchResult(
  context: ReadingContext,
  { handle: written, pattern, ...wanted }: SearchArguments,
): Promise<ReadingAnswer> {
  return answering(async () => {
    const handle = checkedHandle(context.owner, written);
    const compiled = compilePattern(pattern);
    const around = wholeNumber("context", wanted.context, {
      min: 0,
      max: MAX_CONTEXT,
      fallback: 1,
    });
    const limit = wholeNumber("limit", wanted.limit, { min: 1, max: MAX_LIMIT, fallback: 20 });
    const bounds = { min: 0, max: Number.MAX_SAFE_INTEGER, fallback: 0 };
    const offset = wholeNumber("offset", wanted.offset, bounds);
    const stored = await context.results.stat(context.owner, handle);
    if (stored === undefined) throw resultGone(handle);
    const report = matchReport(around);
    const stoppedAt = await scan(context, { handle, offset, limit, compiled, report });
    return answerOf(context, {
      handle,
      pattern,
      size: stored.size,
      report,
      limit,
      stoppedAt,
      offset,
    });
  });
}

interface Scan {
  handle: string;
  offset: number;
  limit: number;
  compiled: LinePattern;
  report: MatchReport;
}

// Answers where it ran out of time, undefined if it came to the end or to the limit.
async function scan(
  context: ReadingContext,
  { handle, offset, limit, compiled, report }: Scan,
): Promise<number | undefined> {
  const deadline = performance.now() + context.limits.searchTimeoutMs;
  const pieces = context.results.stream(context.owner, handle, { offset });
  for await (const segments of lineSegments(pieces)) {
    for (const segment of segments) {
      if (report.matches.length >= limit) {
        if (!report.wantsMore) return undefined;
        report.pass(segment);
        continue;
      }
      if (performance.now() > deadline) return segment.offset;
      searchSegment(segment, { limit, compiled, report });
    }
  }
  return undefined;
}

function searchSegment(
  segment: LineSegment,
  { limit, compiled, report }: Omit<Scan, "handle" | "offset">,
): void {
  if (!compiled.test(segment.bytes)) {
    report.pass(segment);
    return;
  }
  if (!needsPosition(segment)) {
    report.match(segment, undefined);
    return;
  }
  // A window begins inside the one before: what that one reported is not found again.
  const reported = segment.beginsLine ? 0 : (report.matches.at(-1)?.resumeAt ?? 0) - segment.offset;
  let found = compiled.find(segment.bytes, Math.max(0, reported));
  if (isWholeLine(segment) && found !== undefined) {
    report.match(segment, found);
    return;
  }
  while (found !== undefined && found.start < segment.ownUntil && report.matches.length < limit) {
    report.match(segment, found);
    const from = Math.max(found.end, found.start + 1);
    found = from < segment.bytes.length ? compiled.find(segment.bytes, from) : undefined;
  }
}

interface Found {
  handle: string;
  pattern: string;
  size: number;
  report: MatchReport;
  limit: number;
  stoppedAt: number | undefined;
  offset: number;
}

function answerOf(context: ReadingContext, found: Found): ReadingAnswer {
  const { handle, pattern, size, report, limit, stoppedAt, offset } = found;
  const { shown, text } = fitMatches(context, report.matches);
  const last = report.matches[shown - 1];
  const cut = shown < report.matches.length || (stoppedAt === undefined && shown >= limit);
  const resume = cut ? last?.resumeAt : stoppedAt;
  const next = resume === undefined || resume >= size ? null : { offset: resume };
  const where = offset === 0 && next === null ? "" : ` from byte ${figure(offset)}`;
  const upTo = next === null ? " to the end" : ` to byte ${figure(next.offset)}`;
  const late = stoppedAt !== undefined && !cut;
  const why = late ? ` (stopped after ${context.limits.searchTimeoutMs} ms)` : "";
  return {
    status: "success",
    code: null,
    text: [
      `[${handle}: ${counted(shown, "match").replace(/hs$/, "hes")} of ${JSON.stringify(pattern)}${where}${upTo}${why}]`,
      ...(shown === 0 ? [] : [quoteAsData(text, handle)]),
      next === null ? "[This is the end.]" : `[Next: offset ${next.offset}]`,
    ].join("\n"),
    details: { handle, matches: shown, size, searchedTo: next?.offset ?? size, late, next },
  };
}

// As many matches as the answer has room for, and at least one.
function fitMatches(
  { counter, limits }: ReadingContext,
  matches: readonly ReportedMatch[],
): { shown: number; text: string } {
  let shown = 0;
  let tokens = 0;
  while (shown < matches.length) {
    tokens += counter.count(matches[shown]?.lines.join("\n") ?? "") + 1;
    if (tokens > limits.maxTokens && shown > 0) break;
    shown += 1;
  }
  return {
    shown,
    text: matches
      .slice(0, shown)
      .flatMap((match) => match.lines)
      .join("\n"),
  };
}
