import { type ChatMessage, type ChatRequest, messageText } from "./request.ts";
import type { ReplyUsage } from "./script.ts";

/** The `usage` of a chat completion. */
export interface CompletionUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details: { cached_tokens: number; audio_tokens: number };
  completion_tokens_details: { reasoning_tokens: number; audio_tokens: number };
}

/** A plausible, deterministic token count: four characters a token. */
export function countTokens(text: string): number {
  return Math.ceil(text.length / 4);
}

/** Tokens of a message, its frame of role and separators included. */
export function messageTokens(message: ChatMessage): number {
  const calls = message.tool_calls === undefined ? "" : JSON.stringify(message.tool_calls);
  return 4 + countTokens(messageText(message)) + countTokens(calls);
}

/** Tokens of what stands before the messages: the tools and the response format. */
export function preambleTokens(request: ChatRequest): number {
  const { tools, response_format: format } = request;
  return 3 + countTokens(JSON.stringify([tools, format]));
}

/** Usage of an answer: what the reply states, the rest counted from request and answer. */
export function completionUsage(
  request: ChatRequest,
  answer: { content: string | null; tool_calls?: unknown },
  stated: ReplyUsage = {},
  cached = 0,
): CompletionUsage {
  const {
    promptTokens = request.messages.reduce(
      (sum, message) => sum + messageTokens(message),
      preambleTokens(request),
    ),
    reasoningTokens = 0,
    completionTokens = reasoningTokens +
      countTokens(answer.content ?? "") +
      (answer.tool_calls === undefined ? 0 : countTokens(JSON.stringify(answer.tool_calls))),
    cachedTokens = Math.min(cached, promptTokens),
  } = stated;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: reasoningTokens, audio_tokens: 0 },
  };
}
