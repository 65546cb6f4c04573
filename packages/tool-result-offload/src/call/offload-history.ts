import type { Handler, ModelRequest, ModelResult } from "@evenkeel/core";
import { ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";

import { annotateSizes, countedSizes, sizesOf } from "./context-sizes.ts";
import { offloadMessage } from "./offload-message.ts";
import { openScope } from "./scope.ts";
import type { OffloadContext, OffloadScope } from "./scope.ts";

/** Makes one call of a model; large results that a history already holds are previewed in it. */
export async function offloadHistory(
  request: ModelRequest,
  handler: Handler<ModelRequest, ModelResult>,
  context: OffloadContext,
): Promise<ModelResult> {
  const messages = await shrink(request.messages, openScope(request.runtime, context));
  const smaller = messages === request.messages ? request : { ...request, messages };
  const sizes = sizesOf(smaller);
  annotateSizes(context, sizes);
  const result = await handler(smaller);
  annotateSizes(context, countedSizes(sizes, result));
  return result;
}

/** A message of the history and what the model reads in its place. */
interface Settled {
  readonly content: ToolMessage["content"];
  readonly message: ToolMessage | null;
}

async function shrink(messages: BaseMessage[], scope: OffloadScope): Promise<BaseMessage[]> {
  let shrunk: BaseMessage[] | undefined;
  for (const [position, message] of messages.entries()) {
    if (!ToolMessage.isInstance(message)) continue;
    const smaller = await settle(message, scope);
    if (smaller !== message) (shrunk ??= [...messages])[position] = smaller;
  }
  return shrunk ?? messages;
}

// The same text in every request of a run, so that a provider's prompt cache holds.
async function settle(message: ToolMessage, scope: OffloadScope): Promise<ToolMessage> {
  const { memory } = scope.context;
  const key = `message:${message.id ?? message.tool_call_id}`;
  const known = memory.get(key) as Settled | undefined;
  if (known !== undefined && known.content === message.content) return known.message ?? message;
  const smaller = await offloadMessage(message, scope, "history");
  const { content } = message;
  memory.set(key, { content, message: smaller === message ? null : smaller } satisfies Settled);
  return smaller;
}
