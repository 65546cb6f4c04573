import type { ResultOwner, ResultStore } from "@evenkeel/core";

import { decodeContent } from "../results/content-codec.ts";
import type { ContentShape } from "../results/content-codec.ts";
import { checkedHandle, openReading, resultGone } from "./context.ts";
import type { ReadingContext } from "./context.ts";

/** Where a result is recalled from, and for whom. */
export interface RecallSource {
  store: ResultStore;
  /**
   * The thread it belongs to, and that thread's scope: what the `scope` of `withMiddleware` answered,
   * by default `JSON.stringify([user, threadId])` with the authenticated user or "".
   */
  owner: ResultOwner;
  signal?: AbortSignal | undefined;
}

/**
 * The whole value behind a handle of a run, as its tool answered it: for code outside of the run, such
 * as a page that shows the result. Throws `handle-foreign`, `handle-malformed` or `result-gone`.
 */
export function recallResult(source: RecallSource, handle: string): Promise<unknown> {
  return recall(openReading(source), handle);
}

/** The whole value behind what the model wrote for a handle. */
export async function recall(context: ReadingContext, written: string): Promise<unknown> {
  const { owner, results } = context;
  const handle = checkedHandle(owner, written);
  const stored = await results.stat(owner, handle);
  if (stored === undefined) throw resultGone(handle);
  const bytes = new Uint8Array(stored.size);
  for await (const piece of results.stream(owner, handle)) {
    bytes.set(piece.bytes, piece.offset);
  }
  const { shape } = stored.meta as { shape?: ContentShape };
  return decodeContent(bytes, shape ?? { as: "bytes" });
}
