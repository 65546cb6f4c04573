import type { ResultOwner, StoredResult } from "@evenkeel/core";

import { renderOffloaded } from "../preview/frame.ts";
import type { ReadingToolNames } from "../preview/frame.ts";
import { previewContent } from "../preview/preview.ts";
import type { Preview } from "../preview/preview.ts";
import { encodeContent } from "../results/content-codec.ts";
import type { ResultLimits } from "../results/quotas.ts";
import type { Results } from "../results/results.ts";
import type { TokenCounter } from "../threshold/token-counter.ts";

/** Where and how a result is kept. */
export interface KeepOptions {
  results: Results;
  owner: ResultOwner;
  counter: TokenCounter;
  limits: ResultLimits;
  /** Small JSON facts kept with the result, such as the tool's name. */
  meta: Readonly<Record<string, unknown>>;
  maxPreviewTokens: number;
  tools: ReadingToolNames;
}

/** A result that is kept, and what stands in the context for it. */
export interface KeptResult {
  readonly stored: StoredResult;
  readonly preview: Preview;
  /** What the model reads in its place. */
  readonly text: string;
}

/**
 * Puts a tool's answer into the store and renders what takes its place. The store is written first:
 * a crash in between leaves an orphan for prune, never a handle to nothing.
 */
export async function keepResult(content: unknown, options: KeepOptions): Promise<KeptResult> {
  const { results, owner, counter, limits, meta, maxPreviewTokens, tools } = options;
  const { shape, source } = encodeContent(content);
  const stored = await results.put(owner, source, { ...limits, meta: { ...meta, shape } });
  const visible = shape.as === "json" && Array.isArray(content) ? (content as unknown[]) : source;
  const preview = previewContent(visible, { maxTokens: maxPreviewTokens, counter, facts: stored });
  return { stored, preview, text: renderOffloaded(stored.handle, preview, tools) };
}
