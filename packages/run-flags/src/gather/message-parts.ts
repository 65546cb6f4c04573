/** The parts of a message that are gathered, whatever copy of LangChain made it. */
export interface MessageLike {
  id?: string | undefined;
  type?: string;
  content?: unknown;
  status?: string;
  tool_call_id?: string;
  tool_calls?: { id?: string; name: string; args: unknown }[];
  invalid_tool_calls?: { id?: string; name?: string; args?: unknown }[];
  usage_metadata?: { input_tokens?: number; output_tokens?: number };
  response_metadata?: Record<string, unknown>;
}

/** A message's text: its string, or its text blocks. */
export function textOf({ content }: MessageLike): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((block: unknown) => {
      const text = (block as { text?: unknown } | null)?.text;
      return typeof text === "string" ? text : "";
    })
    .join("");
}

/** The calls a reply asks for, those with unreadable arguments included. */
export function callsOf({ tool_calls = [], invalid_tool_calls = [] }: MessageLike): {
  id: string;
  tool: string;
  arguments: unknown;
  valid: boolean;
}[] {
  return [
    ...tool_calls.map(({ id = "", name, args }) => ({
      id,
      tool: name,
      arguments: args,
      valid: true,
    })),
    ...invalid_tool_calls.map(({ id = "", name = "unnamed", args }) => ({
      id,
      tool: name,
      arguments: args,
      valid: false,
    })),
  ];
}

/** True for a tool's answer that says it failed. */
export function failedOf({ status }: MessageLike): boolean {
  return status === "error";
}

const OUT_OF_TOKENS = new Set(["length", "max_tokens", "MAX_TOKENS", "model_length"]);
const FILTERED = new Set(["content_filter", "refusal", "SAFETY", "PROHIBITED_CONTENT", "safety"]);

/** Why a provider ended a reply before its end, where it did: each has its own word for it. */
export function cutShortBy({
  response_metadata: metadata = {},
}: MessageLike): "length" | "filter" | undefined {
  const reasons = ["finish_reason", "stop_reason", "finishReason", "stopReason"]
    .map((key) => metadata[key])
    .filter((reason) => typeof reason === "string");
  if (reasons.some((reason) => OUT_OF_TOKENS.has(reason))) return "length";
  return reasons.some((reason) => FILTERED.has(reason)) ? "filter" : undefined;
}

/** The tokens of a reply, where its provider counted them. */
export function tokensOf({
  usage_metadata: usage,
}: MessageLike): { input: number; output: number } | undefined {
  if (usage === undefined || usage === null) return undefined;
  return { input: finite(usage.input_tokens), output: finite(usage.output_tokens) };
}

function finite(count: number | undefined): number {
  return count !== undefined && Number.isFinite(count) && count > 0 ? count : 0;
}
