import { liveRun } from "@evenkeel/core";
import type { ModelRequest, ModelResult } from "@evenkeel/core";
import { ToolMessage } from "@langchain/core/messages";
import type { BaseMessage, UsageMetadata } from "@langchain/core/messages";

import { approximateTokens } from "../threshold/approximate-tokens.ts";
import { valueSize } from "../threshold/value-size.ts";
import { offloadMarkOf } from "./mark.ts";
import type { OffloadContext } from "./scope.ts";

/** What a reviewer looks for first, under the names it has in a trace. */
interface ContextSizes {
  /** Tokens the model was sent: the provider's count where it gave one, else an estimate. */
  readonly evenkeel_context_tokens: number;
  /** Bytes of the largest tool result the call refers to, wherever its content is kept. */
  readonly evenkeel_largest_result: number;
}

const LARGEST = "largest-sizes";

/** The sizes of a request before its call is made. */
export function sizesOf({ systemPrompt = "", messages }: ModelRequest): ContextSizes {
  let tokens = approximateTokens(systemPrompt);
  let largest = 0;
  for (const message of messages) {
    const size = sizeOf(message);
    tokens += size.tokens;
    largest = Math.max(largest, size.resultBytes);
  }
  return { evenkeel_context_tokens: tokens, evenkeel_largest_result: largest };
}

/** The same once the provider has counted. */
export function countedSizes(sizes: ContextSizes, result: ModelResult): ContextSizes {
  const usage = (result as { usage_metadata?: UsageMetadata }).usage_metadata;
  const counted = usage?.input_tokens;
  return counted === undefined ? sizes : { ...sizes, evenkeel_context_tokens: counted };
}

/**
 * Marks the span a model call is made in with its sizes, and the root run of the trace with the
 * largest of all calls so far.
 */
export function annotateSizes(context: OffloadContext, sizes: ContextSizes): void {
  const span = liveRun()?.run;
  if (span !== undefined) {
    span.extra = { ...span.extra, metadata: { ...span.extra?.metadata, ...sizes } };
  }
  const before = context.memory.get(LARGEST) as ContextSizes | undefined;
  const largest = {
    evenkeel_context_tokens: Math.max(
      sizes.evenkeel_context_tokens,
      before?.evenkeel_context_tokens ?? 0,
    ),
    evenkeel_largest_result: Math.max(
      sizes.evenkeel_largest_result,
      before?.evenkeel_largest_result ?? 0,
    ),
  };
  context.memory.set(LARGEST, largest);
  context.annotate({ metadata: largest });
}

interface MessageSize {
  readonly tokens: number;
  readonly resultBytes: number;
}

// A history is measured once, not once a turn.
const measured = new WeakMap<BaseMessage, MessageSize>();

function sizeOf(message: BaseMessage): MessageSize {
  const known = measured.get(message);
  if (known !== undefined) return known;
  const size = {
    tokens: approximateTokens(message.text),
    resultBytes: ToolMessage.isInstance(message) ? resultBytes(message) : 0,
  };
  measured.set(message, size);
  return size;
}

function resultBytes(message: ToolMessage): number {
  const mark = offloadMarkOf(message);
  // What a reading tool answered is a part of a result that has its own message.
  if (mark !== undefined && mark.reading !== true) return mark.bytes;
  return valueSize(message.content).bytes;
}
