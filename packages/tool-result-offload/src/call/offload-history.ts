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
  const settledOnes = settledIn(scope);
  let shrunk: BaseMessage[] | undefined;
  for (const [position, message] of messages.entries()) {
    // Most of a long history was read in an earlier turn: no promise for it, nothing but a look.
    const known = settledOnes.get(message);
    const smaller =
      known !== undefined && known.content === message.content
        ? known.message
        : await settle(message, scope, settledOnes);
    if (smaller !== null) (shrunk ??= [...messages])[position] = smaller;
  }
  return shrunk ?? messages;
}

type SettledMessages = WeakMap<BaseMessage, Settled>;

function settledIn({ context: { memory } }: OffloadScope): SettledMessages {
  const known = memory.get("settled") as SettledMessages | undefined;
  const settled = known ?? new WeakMap();
  if (known === undefined) memory.set("settled", settled);
  return settled;
}

async function settle(
  message: BaseMessage,
  scope: OffloadScope,
  settledOnes: SettledMessages,
): Promise<ToolMessage | null> {
  const { content } = message;
  const settled: Settled = ToolMessage.isInstance(message)
    ? await settleResult(message, scope)
    : { content, message: null };
  settledOnes.set(message, settled);
  return settled.message;
}

// The same text in every request of a run, so that a provider's prompt cache holds.
async function settleResult(message: ToolMessage, scope: OffloadScope): Promise<Settled> {
  const { memory } = scope.context;
  const key = `message:${message.id ?? message.tool_call_id}`;
  const known = memory.get(key) as Settled | undefined;
  if (known !== undefined && known.content === message.content) return known;
  const smaller = await offloadMessage(message, scope, "history");
  const settled = { content: message.content, message: smaller === message ? null : smaller };
  memory.set(key, settled);
  return settled;
}
