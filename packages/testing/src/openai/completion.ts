import { type ChatRequest, type ChatToolCall, forcedTool } from "./request.ts";
import type { ChatReply } from "./script.ts";
import { type CompletionUsage, completionUsage } from "./usage.ts";

/** The assistant message of an answer. */
interface CompletionMessage {
  role: "assistant";
  content: string | null;
  refusal: null;
  tool_calls?: ChatToolCall[];
}

/** The answer to a chat request, before it is sent whole or in chunks. */
export interface ChatCompletion {
  id: string;
  object: "chat.completion";
  created: number;
  model: string;
  choices: [{ index: 0; message: CompletionMessage; logprobs: null; finish_reason: string }];
  usage: CompletionUsage;
  service_tier: "default";
  system_fingerprint: string;
}

export interface CompletionSettings {
  /** Names that requests use, and the dated names that answer them. */
  aliases: Readonly<Record<string, string>>;
  /** Tokens of the prompt that a cache held. */
  cachedTokens: number;
  createId: () => string;
  now: () => number;
}

/** Builds the answer that a reply means, with an id and tool call ids of its own. */
export function buildCompletion(
  request: ChatRequest,
  reply: ChatReply,
  settings: CompletionSettings,
): ChatCompletion {
  const { aliases, cachedTokens, createId, now } = settings;
  const id = () => createId().replaceAll("-", "");

  const forced = reply.json === undefined ? undefined : forcedTool(request);
  const replyCalls =
    forced === undefined
      ? (reply.toolCalls ?? [])
      : [...(reply.toolCalls ?? []), { name: forced, args: reply.json }];
  const structured =
    reply.json === undefined || forced !== undefined ? undefined : JSON.stringify(reply.json);
  const content = reply.content ?? structured ?? (replyCalls.length > 0 ? null : "");
  const calls = replyCalls.map((call): ChatToolCall => {
    const { name, args } = call;
    const text = typeof args === "string" ? args : JSON.stringify(args);
    return {
      id: call.id ?? `call_${id().slice(0, 24)}`,
      type: "function",
      function: { name, arguments: text },
    };
  });
  const answer = { content, ...(calls.length > 0 ? { tool_calls: calls } : {}) };

  return {
    id: `chatcmpl-${id()}`,
    object: "chat.completion",
    created: Math.floor(now() / 1000),
    model: reply.model ?? aliases[request.model] ?? request.model,
    choices: [
      {
        index: 0,
        message: { role: "assistant", refusal: null, ...answer },
        logprobs: null,
        finish_reason: reply.finishReason ?? (calls.length > 0 ? "tool_calls" : "stop"),
      },
    ],
    usage: completionUsage(request, answer, reply.usage, cachedTokens),
    service_tier: "default",
    system_fingerprint: "fp_evenkeel",
  };
}
