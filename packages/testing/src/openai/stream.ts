import type { ChatCompletion } from "./completion.ts";
import { textPieces } from "./text-pieces.ts";

/** What one chunk of a streamed answer adds. */
interface Delta {
  role?: "assistant";
  content?: string | null;
  refusal?: null;
  tool_calls?: {
    index: number;
    id?: string;
    type?: "function";
    function: { name?: string; arguments: string };
  }[];
}

/**
 * The chunks in which an answer is streamed: role, content in pieces, every tool call's name and
 * then its arguments in pieces, the finish reason, and the usage where it was asked for.
 */
export function completionChunks(
  completion: ChatCompletion,
  options: { chunkChars: number; includeUsage: boolean },
): unknown[] {
  const { chunkChars, includeUsage } = options;
  const { choices, usage, ...frame } = completion;
  const [{ message, finish_reason }] = choices;

  const chunk = (delta: Delta, finishReason: string | null = null) => ({
    ...frame,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    ...(includeUsage ? { usage: null } : {}),
  });

  const chunks: unknown[] = [
    chunk({ role: "assistant", content: message.content === null ? null : "", refusal: null }),
  ];
  for (const piece of textPieces(message.content ?? "", chunkChars)) {
    chunks.push(chunk({ content: piece }));
  }
  message.tool_calls?.forEach(({ id, type, function: called }, index) => {
    const { name } = called;
    chunks.push(chunk({ tool_calls: [{ index, id, type, function: { name, arguments: "" } }] }));
    for (const piece of textPieces(called.arguments, chunkChars)) {
      chunks.push(chunk({ tool_calls: [{ index, function: { arguments: piece } }] }));
    }
  });
  chunks.push(chunk({}, finish_reason));
  if (includeUsage) {
    chunks.push({ ...frame, object: "chat.completion.chunk", choices: [], usage });
  }
  return chunks;
}
