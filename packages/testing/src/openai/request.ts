import { EndpointError } from "../endpoint/endpoint-error.ts";

/** A part of a message with several kinds of content. */
export interface ChatContentPart {
  type: string;
  text?: string;
  [field: string]: unknown;
}

/** A tool call as it stands in an assistant message. */
export interface ChatToolCall {
  id: string;
  type: "function";
  function: { name: string; arguments: string };
}

/** A message of the conversation, as the wire has it. */
export interface ChatMessage {
  role: "system" | "developer" | "user" | "assistant" | "tool" | "function";
  content?: string | ChatContentPart[] | null;
  name?: string;
  tool_calls?: ChatToolCall[];
  tool_call_id?: string;
}

/** A tool as it is offered to the model. */
export interface ChatTool {
  type: string;
  function?: { name: string; description?: string; parameters?: unknown; strict?: boolean };
}

/** The body of `POST /v1/chat/completions`; fields not named here are kept. */
export interface ChatRequest {
  model: string;
  messages: ChatMessage[];
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  tools?: ChatTool[];
  tool_choice?: string | { type: string; function?: { name: string } };
  parallel_tool_calls?: boolean;
  response_format?: { type: string; json_schema?: { name: string; schema?: unknown } };
  temperature?: number;
  max_tokens?: number;
  max_completion_tokens?: number;
  seed?: number;
  [field: string]: unknown;
}

/** The text of a message, its text parts joined. */
export function messageText(message: ChatMessage): string {
  const { content } = message;
  if (typeof content === "string") return content;
  return (content ?? []).map((part) => part.text ?? "").join("");
}

/** What the user said last; empty where the user said nothing. */
export function lastUserText(request: ChatRequest): string {
  const message = request.messages.findLast(({ role }) => role === "user");
  return message === undefined ? "" : messageText(message);
}

/** The tool the request forces the model to call, if it forces one by name. */
export function forcedTool(request: ChatRequest): string | undefined {
  return typeof request.tool_choice === "object" ? request.tool_choice.function?.name : undefined;
}

/** Whether a value is a request body a chat model can be asked with. */
export function isChatRequest(value: unknown): value is ChatRequest {
  if (typeof value !== "object" || value === null) return false;
  if (!("model" in value && typeof value.model === "string")) return false;
  if (!("messages" in value && Array.isArray(value.messages))) return false;
  return value.messages.every(
    (message: unknown) =>
      typeof message === "object" &&
      message !== null &&
      "role" in message &&
      typeof message.role === "string",
  );
}

/** Refuses, as the real service does, tool calls left unanswered and answers nobody asked for. */
export function checkToolMessages(messages: readonly ChatMessage[]): void {
  let open = new Set<string>();
  messages.forEach((message, position) => {
    if (message.role === "tool") {
      if (open.delete(message.tool_call_id ?? "")) return;
      refuse(
        `messages[${position}] has role "tool" and answers "${message.tool_call_id}", ` +
          `which is none of the 'tool_calls' before it`,
      );
    }
    refuseUnanswered(open, position);
    open = new Set(message.tool_calls?.map(({ id }) => id));
  });
  refuseUnanswered(open, messages.length);
}

function refuseUnanswered(open: ReadonlySet<string>, position: number): void {
  if (open.size === 0) return;
  refuse(
    `'tool_calls' without a tool message before messages[${position}]: ${[...open].join(", ")}`,
  );
}

function refuse(message: string): never {
  throw new EndpointError("invalid-request", message, { status: 400 });
}
