import { AIMessage } from "@langchain/core/messages";
import type { UsageMetadata } from "@langchain/core/messages";

/** What a model call used, as its provider counted it. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly totalTokens: number;
}

/** The message in what a model call came to; `createAgent` puts one beside a structured response. */
export function messageOf(result: unknown): AIMessage | undefined {
  if (AIMessage.isInstance(result)) return result;
  const held = result as { messages?: unknown; update?: { messages?: unknown } } | null;
  const messages = held?.messages ?? held?.update?.messages;
  return Array.isArray(messages)
    ? messages.find((message): message is AIMessage => AIMessage.isInstance(message))
    : undefined;
}

/** The usage of a message; undefined where its provider said nothing of it. */
export function usageOf(message: AIMessage | undefined): Usage | undefined {
  const usage = message?.usage_metadata as Partial<UsageMetadata> | null | undefined;
  if (usage === undefined || usage === null) return undefined;
  const inputTokens = count(usage.input_tokens);
  const outputTokens = count(usage.output_tokens);
  return {
    inputTokens,
    outputTokens,
    totalTokens: Math.max(count(usage.total_tokens), inputTokens + outputTokens),
  };
}

function count(tokens: number | undefined): number {
  return tokens !== undefined && Number.isFinite(tokens) && tokens > 0 ? tokens : 0;
}
