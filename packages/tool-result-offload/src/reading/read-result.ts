import { quoteAsData } from "@evenkeel/core";

import { figure } from "../preview/cut.ts";
import { countNewlines } from "../results/chunk.ts";
import type { ByteRange, LineRange, ResultSlice } from "../results/slice.ts";
import { answering, checkedHandle, resultGone, wholeNumber } from "./context.ts";
import type { ReadingAnswer, ReadingContext } from "./context.ts";
import { LONGEST_CHARACTER, pageOf, reachOver } from "./page.ts";
import type { Page } from "./page.ts";

/** Which part of a result to read: lines, or bytes if `offset` is given. */
export interface ReadArguments {
  handle: string;
  /** First line, 1-based. @default 1 */
  line?: number | null | undefined;
  /** How many lines. @default 200 */
  lines?: number | null | undefined;
  /** First byte, 0-based; reads bytes instead of lines. */
  offset?: number | null | undefined;
  /** How many bytes. @default 16384 */
  bytes?: number | null | undefined;
}

const PAGE_BYTES = 16 * 1024;
const MAX_LINES = 5_000;
const ANY = Number.MAX_SAFE_INTEGER;

/**
 * Reads a part of a result, by lines or by bytes, exactly as it was stored; what is not UTF-8 comes
 * in base64. The answer is capped and says how to get the next page.
 */
export function readResult(
  context: ReadingContext,
  { handle: written, ...wanted }: ReadArguments,
): Promise<ReadingAnswer> {
  return answering(async () => {
    const handle = checkedHandle(context.owner, written);
    const range = rangeOf(wanted);
    const slice = await readWholeCharacters(context, handle, range);
    if (slice === undefined) throw resultGone(handle);
    return answerOf(context, handle, range, slice);
  });
}

function rangeOf({
  line,
  lines,
  offset,
  bytes,
}: Omit<ReadArguments, "handle">): ByteRange | LineRange {
  if (offset !== undefined && offset !== null) {
    const bounds = { min: 1, max: PAGE_BYTES, fallback: PAGE_BYTES };
    // Fewer bytes than a character has would never get past one.
    const length = Math.max(LONGEST_CHARACTER, wholeNumber("bytes", bytes, bounds));
    return {
      offset: wholeNumber("offset", offset, { min: 0, max: ANY, fallback: 0 }),
      length,
    };
  }
  return {
    line: wholeNumber("line", line, { min: 1, max: ANY, fallback: 1 }),
    lines: wholeNumber("lines", lines, { min: 1, max: MAX_LINES, fallback: 200 }),
    maxBytes: PAGE_BYTES,
  };
}

// A byte asked for may lie inside a character, which is then given from its beginning.
async function readWholeCharacters(
  { results, owner }: ReadingContext,
  handle: string,
  range: ByteRange | LineRange,
): Promise<ResultSlice | undefined> {
  if (!("offset" in range)) return results.read(owner, handle, range);
  const before = Math.min(range.offset, LONGEST_CHARACTER - 1);
  const wider = { offset: range.offset - before, length: range.length + before };
  const slice = await results.read(owner, handle, wider);
  if (slice === undefined) return undefined;
  const cut = Math.min(before, slice.bytes.length);
  const skipped = cut - reachOver(slice.bytes, cut);
  const { offset, line, bytes } = slice;
  return {
    ...slice,
    offset: offset + skipped,
    line: line + countNewlines(bytes.subarray(0, skipped)),
    bytes: bytes.subarray(skipped),
  };
}

function answerOf(
  { counter, limits }: ReadingContext,
  handle: string,
  range: ByteRange | LineRange,
  slice: ResultSlice,
): ReadingAnswer {
  const { result, bytes } = slice;
  const atEnd = slice.offset + bytes.length >= result.size;
  const page = pageOf(bytes, { maxTokens: limits.maxTokens, counter, atEnd });
  const { offset } = slice;
  const end = offset + page.length;
  const next = nextOf(range, slice, page, end);
  const what = bytes.length === 0 ? "nothing there" : `bytes ${figure(offset)} to ${figure(end)}`;
  const from = page.encoding === "base64" ? " in base64" : `, from line ${figure(slice.line)}`;
  return {
    status: "success",
    code: null,
    text: [
      `[${handle}: ${what}${from}, of ${figure(result.size)} bytes and ${figure(result.lines)} lines]`,
      quoteAsData(page.text, handle),
      next === null
        ? "[This is the end.]"
        : `[Next: ${Object.entries(next).join().replace(",", " ")}]`,
    ].join("\n"),
    details: {
      handle,
      offset,
      length: page.length,
      line: slice.line,
      encoding: page.encoding,
      size: result.size,
      lines: result.lines,
      next,
    },
  };
}

function nextOf(
  range: ByteRange | LineRange,
  slice: ResultSlice,
  page: Page,
  end: number,
): { line: number } | { offset: number } | null {
  if (end >= slice.result.size) return null;
  const wholeLines = page.encoding === "utf-8" && page.text.endsWith("\n");
  if ("offset" in range || !wholeLines) return { offset: end };
  return { line: slice.line + page.text.split("\n").length - 1 };
}
