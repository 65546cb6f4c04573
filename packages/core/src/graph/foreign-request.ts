import { SystemMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";

import type { ForeignMiddleware, HookRuntime } from "../middleware.ts";

/** The parts of a model or tool request that LangChain's middleware is shown in its own way. */
interface ShownRequest {
  readonly runtime: HookRuntime;
  readonly systemMessage?: SystemMessage;
  readonly messages?: BaseMessage[];
}

type Handler = (request: ShownRequest) => Promise<unknown>;

/**
 * Calls a hook of LangChain's middleware as `createAgent` would: with the context its schema makes
 * of the run's, and the system prompt as content blocks, which it may add to. The messages are a
 * list of its own, since some of it edits them in place and so would erase what the thread has saved.
 */
export function callForeignHook(
  middleware: ForeignMiddleware,
  hook: (request: ShownRequest, handler: Handler) => Promise<unknown>,
  request: ShownRequest,
  handler: Handler,
): Promise<unknown> {
  const shown = shownRequest(middleware, request);
  // What it left alone goes on as it came, so that the call is made just as it came.
  const handedOn = (next: ShownRequest): ShownRequest => ({
    ...next,
    ...(next.runtime === shown.runtime && { runtime: request.runtime }),
    ...(request.systemMessage !== undefined &&
      next.systemMessage === shown.systemMessage && { systemMessage: request.systemMessage }),
  });
  return Reflect.apply(hook, middleware, [shown, (next: ShownRequest) => handler(handedOn(next))]);
}

function shownRequest(middleware: ForeignMiddleware, request: ShownRequest): ShownRequest {
  const { runtime, systemMessage, messages } = request;
  return {
    ...request,
    runtime: ownRuntime(middleware, runtime),
    ...(systemMessage !== undefined && { systemMessage: asBlocks(systemMessage) }),
    ...(messages !== undefined && { messages: [...messages] }),
  };
}

interface Parsing {
  parse(value: unknown): unknown;
}

function ownRuntime(middleware: ForeignMiddleware, runtime: HookRuntime): HookRuntime {
  const schema = middleware.contextSchema as Parsing | undefined;
  if (typeof schema?.parse !== "function") return runtime;
  return { ...runtime, context: schema.parse(runtime.context ?? {}) };
}

function asBlocks(message: SystemMessage): SystemMessage {
  const { content, id, name, additional_kwargs, response_metadata } = message;
  if (typeof content !== "string" || content === "") return message;
  return new SystemMessage({
    content: [{ type: "text", text: content }],
    additional_kwargs,
    response_metadata,
    ...(id !== undefined && { id }),
    ...(name !== undefined && { name }),
  });
}
