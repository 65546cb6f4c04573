import type { MiddlewareMode, ResultStore } from "@evenkeel/core";

import type { ReadingToolNames } from "./preview/frame.ts";
import type { ReadingLimits } from "./reading/limits.ts";
import type { ResultLimits } from "./results/quotas.ts";
import type { OffloadThresholds, PerToolThresholds } from "./threshold/thresholds.ts";
import type { CountTokens, TokenCounter } from "./threshold/token-counter.ts";

/** The tools a model reads kept results with: their names, and how much one answer may be. */
interface ReadingTools extends Required<{
  readonly [Name in keyof ReadingToolNames]: string;
}> {
  readonly limits: ReadingLimits;
}

/** What {@link toolResultOffloadMiddleware} is given. */
export interface ToolResultOffloadOptions extends OffloadThresholds, ResultLimits {
  /**
   * Where results are kept.
   * @default the LangGraph store of the graph
   */
  store?: ResultStore | undefined;
  /**
   * Counts tokens: a function such as `countTokens` of `gpt-tokenizer`, or a counter.
   * @default o200k where `gpt-tokenizer` is installed, else an estimate
   */
  tokenCounter?: TokenCounter | CountTokens | undefined;
  /**
   * Milliseconds one request to the store may take, whatever it is for.
   * @default 10000
   */
  storeTimeoutMs?: number | undefined;
  /** Thresholds of single tools; `false` leaves a tool's results where they are. */
  perTool?: PerToolThresholds | undefined;
  /** How large a preview is; by default 800 tokens, and at most half of what a result may cost. */
  preview?: { maxTokens?: number | undefined } | undefined;
  /**
   * The tools the model reads kept results with, by other names or limits; `false` offers none.
   * @default read_tool_result, search_tool_result, query_tool_result
   */
  tools?: (ReadingToolNames & { limits?: ReadingLimits | undefined }) | false | undefined;
  /**
   * Leaves results with status "error" whole up to 16 KiB.
   * @default true
   */
  preserveErrors?: boolean | undefined;
  /** Arguments, by tool, in which a handle stands for the whole result it names. */
  refArguments?: Readonly<Record<string, readonly string[]>> | undefined;
  mode?: MiddlewareMode | undefined;
  /** @default "toolResultOffloadMiddleware" */
  name?: string | undefined;
}

/** The options that are recorded and frozen, with nothing left open that has a default of its own. */
export interface OffloadSettings {
  readonly thresholds: OffloadThresholds;
  readonly perTool: PerToolThresholds;
  readonly previewTokens: number | null;
  readonly limits: ResultLimits;
  readonly storeTimeoutMs: number;
  readonly tools: ReadingTools | null;
  readonly preserveErrors: boolean;
  readonly refArguments: Readonly<Record<string, readonly string[]>>;
}

/** What belongs to the live process. */
export interface OffloadLive {
  readonly name: string;
  readonly store?: ResultStore;
  readonly tokenCounter?: TokenCounter;
}
