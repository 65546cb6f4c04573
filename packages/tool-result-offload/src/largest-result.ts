import type { BaseMessage } from "@langchain/core/messages";

import { approximateTokens } from "./approximate-tokens.ts";
import type { OffloadContext } from "./offload-scope.ts";

const LARGEST = "largest-result";
const MOST_TOKENS = "context-tokens";

/** Notes the size of a large result for the trace's root run. */
export function noteLargest({ memory }: OffloadContext, bytes: number): void {
  memory.set(LARGEST, Math.max(bytes, figureOf(memory, LARGEST)));
}

/**
 * Marks the root run of the trace with the largest result met so far, in bytes, and with the tokens
 * of the largest context, estimated: what a reviewer looks for first.
 */
export function annotateSizes(context: OffloadContext, messages: readonly BaseMessage[]): void {
  const { memory } = context;
  const tokens = messages.reduce((sum, message) => sum + tokensOf(message), 0);
  memory.set(MOST_TOKENS, Math.max(tokens, figureOf(memory, MOST_TOKENS)));
  context.annotate({
    metadata: {
      evenkeel_largest_result: figureOf(memory, LARGEST),
      evenkeel_context_tokens: figureOf(memory, MOST_TOKENS),
    },
  });
}

function figureOf(memory: ReadonlyMap<string, unknown>, key: string): number {
  const figure = memory.get(key);
  return typeof figure === "number" ? figure : 0;
}

// A history is estimated once, not once a turn.
const estimates = new WeakMap<BaseMessage, number>();

function tokensOf(message: BaseMessage): number {
  const known = estimates.get(message);
  if (known !== undefined) return known;
  const tokens = approximateTokens(message.text);
  estimates.set(message, tokens);
  return tokens;
}
