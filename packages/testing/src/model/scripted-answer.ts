import {
  AIMessage,
  AIMessageChunk,
  type StandardMessageStructure,
  type UsageMetadata,
} from "@langchain/core/messages";

import type { ReplyToolCall, ReplyUsage } from "../openai/script.ts";
import { textPieces } from "../openai/text-pieces.ts";
import { countTokens } from "../openai/usage.ts";
import type { ScriptedReply } from "./scripted-turn.ts";

/** A reply with its ids, texts and counts settled. */
export interface ScriptedAnswer {
  readonly id: string;
  readonly content: string;
  readonly toolCalls: readonly { id: string; name: string; args: string }[];
  readonly usage: UsageMetadata;
  readonly metadata: { model_name: string; finish_reason: string };
  /** Whether it calls the one tool that was bound for a structured answer. */
  readonly structured: boolean;
}

/** Settles a reply: fresh ids, arguments as text, tokens counted where they are not stated. */
export function settleAnswer(
  reply: ScriptedReply,
  settings: { model: string; promptText: string; toolNames: string[]; createId: () => string },
): ScriptedAnswer {
  const { model, promptText, toolNames, createId } = settings;
  const [onlyTool, ...otherTools] = toolNames;
  const asTool = reply.json !== undefined && onlyTool !== undefined && otherTools.length === 0;
  const asContent = reply.json !== undefined && !asTool;
  const called = asTool ? [{ name: onlyTool, args: reply.json }] : [];
  const toolCalls = [...(reply.toolCalls ?? []), ...called].map((call: ReplyToolCall) => {
    const { name, args } = call;
    const text = typeof args === "string" ? args : JSON.stringify(args);
    return { id: call.id ?? `call_${createId()}`, name, args: text };
  });
  const content = reply.content ?? (asContent ? JSON.stringify(reply.json) : "");
  const finishReason = reply.finishReason ?? (toolCalls.length > 0 ? "tool_calls" : "stop");
  return {
    id: `scripted-${createId()}`,
    content,
    toolCalls,
    usage: usageOf(reply.usage, promptText, content + toolCalls.map(({ args }) => args).join("")),
    metadata: { model_name: model, finish_reason: finishReason },
    structured: asTool,
  };
}

function usageOf(stated: ReplyUsage = {}, prompt: string, answer: string): UsageMetadata {
  const { reasoningTokens = 0, cachedTokens = 0, promptTokens = countTokens(prompt) } = stated;
  const { completionTokens = countTokens(answer) + reasoningTokens } = stated;
  return {
    input_tokens: promptTokens,
    output_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    input_token_details: { cache_read: cachedTokens },
    output_token_details: { reasoning: reasoningTokens },
  };
}

/** The answer as one message. Arguments that are not JSON become an invalid tool call. */
export function answerMessage(answer: ScriptedAnswer): AIMessage | AIMessageChunk {
  const { id, content, usage, metadata } = answer;
  const fields = { id, content, usage_metadata: usage, response_metadata: metadata };
  const tool_call_chunks = answer.toolCalls.map((call, index) => ({ ...call, index }));
  const chunk = new AIMessageChunk<StandardMessageStructure>({ ...fields, tool_call_chunks });
  // BaseChatModel.withStructuredOutput reads nothing but chunks, whole answers included.
  if (answer.structured) return chunk;
  const { tool_calls = [], invalid_tool_calls = [] } = chunk;
  return new AIMessage<StandardMessageStructure>({ ...fields, tool_calls, invalid_tool_calls });
}

/** The answer in chunks: content and arguments in pieces, usage and finish reason last. */
export function answerChunks(answer: ScriptedAnswer, chunkChars: number): AIMessageChunk[] {
  const { id, content, toolCalls, usage, metadata } = answer;
  const chunks = textPieces(content, chunkChars).map(
    (piece) => new AIMessageChunk({ id, content: piece }),
  );
  const callChunk = (delta: { index: number; id?: string; name?: string; args: string }) =>
    new AIMessageChunk({ id, content: "", tool_call_chunks: [delta] });
  toolCalls.forEach((call, index) => {
    chunks.push(callChunk({ index, id: call.id, name: call.name, args: "" }));
    for (const args of textPieces(call.args, chunkChars)) chunks.push(callChunk({ index, args }));
  });
  chunks.push(
    new AIMessageChunk<StandardMessageStructure>({
      id,
      content: "",
      usage_metadata: usage,
      response_metadata: metadata,
    }),
  );
  return chunks;
}
