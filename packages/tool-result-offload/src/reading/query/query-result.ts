import { quoteAsData } from "@evenkeel/core";
import type { StoredResult } from "@evenkeel/core";

import { OffloadError } from "../../errors.ts";
import { figure } from "../../preview/cut.ts";
import { answering, checkedHandle, resultGone, wholeNumber } from "../context.ts";
import type { ReadingAnswer, ReadingContext } from "../context.ts";
import { fitText } from "../page.ts";
import { runQuery } from "./run-query.ts";

/** What to compute from a JSON result. */
export interface QueryArguments {
  handle: string;
  /** A JSON Query expression, such as `.items | filter(.price > 5) | size()`. */
  query: string;
  /** Character of the query's result to show from, as an answer before named it. @default 0 */
  offset?: number | null | undefined;
}

const MAX_QUERY_CHARS = 4_000;
const PAGE_CHARS = 16 * 1024;

/**
 * Answers a query over a JSON or JSON Lines result, without the result passing the model. It runs in
 * a process of its own that is killed when its time or memory is up; the answer is capped and paged.
 */
export function queryResult(
  context: ReadingContext,
  { handle: written, query, offset: from }: QueryArguments,
): Promise<ReadingAnswer> {
  return answering(async () => {
    const handle = checkedHandle(context.owner, written);
    const offset = wholeNumber("offset", from, {
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
      fallback: 0,
    });
    refuseBadQuery(query);
    const stored = await context.results.stat(context.owner, handle);
    if (stored === undefined) throw resultGone(handle);
    refuseTooLarge(stored, context.limits.maxQueryBytes);
    const { text, total } = await runQuery(
      { query, offset, length: PAGE_CHARS, timeoutMs: context.limits.queryTimeoutMs },
      {
        pieces: context.results.stream(context.owner, handle),
        size: stored.size,
      },
      context.signal,
    );
    const page = fitText(text, context.limits.maxTokens, context.counter);
    const end = offset + page.length;
    const next = end < total ? { offset: end } : null;
    const part =
      offset === 0 && next === null ? "" : `, characters ${figure(offset)} to ${figure(end)}`;
    return {
      status: "success",
      code: null,
      text: [
        `[${handle}: ${figure(total)} characters of JSON from ${JSON.stringify(query)}${part}]`,
        quoteAsData(page, handle),
        next === null ? "[This is the end.]" : `[Next: offset ${next.offset}]`,
      ].join("\n"),
      details: { handle, offset, length: page.length, total, next },
    };
  });
}

function refuseBadQuery(query: unknown): void {
  const length = typeof query === "string" ? query.trim().length : 0;
  if (length > 0 && length <= MAX_QUERY_CHARS) return;
  throw new OffloadError({
    code: "query-invalid",
    message: `A query is a text of 1 to ${MAX_QUERY_CHARS} characters, such as .items | filter(.price > 5) | size(), but this one has ${length}.`,
  });
}

function refuseTooLarge({ handle, size }: StoredResult, maxBytes: number): void {
  if (size <= maxBytes) return;
  throw new OffloadError({
    code: "query-too-large",
    message: `${handle} has ${figure(size)} bytes, and only up to ${figure(maxBytes)} can be queried as a whole; search or read it instead.`,
    details: { handle, size, maxBytes },
  });
}
