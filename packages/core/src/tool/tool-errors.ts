import type { ToolCall } from "@langchain/core/messages/tool";
import { isGraphBubbleUp } from "@langchain/langgraph";

import { EvenkeelError } from "../errors.ts";
import type { ToolNodeLike } from "./tool-node.ts";

type Handler = (request: object) => Promise<unknown>;
type ToolCallWrapper = (request: { toolCall: ToolCall }, handler: Handler) => Promise<unknown>;

/**
 * Has LangChain's ToolNode answer the model with what a tool threw, as it does where nothing is around
 * its calls: it takes every error for the middleware's own once there is a `wrapToolCall`, and lets it
 * end the run. What the middleware itself throws still does.
 */
export function answerToolErrors(
  node: ToolNodeLike & { handleToolErrors?: unknown; signal?: AbortSignal | undefined },
): void {
  const { wrapToolCall: wrapped, handleToolErrors: answer } = node;
  if (typeof wrapped !== "function" || typeof answer !== "function") return;
  const through = wrapped as ToolCallWrapper;
  const wrapper: ToolCallWrapper = async (request, handler) => {
    const thrown = new Set<unknown>();
    try {
      return await through(request, async (inner) => {
        try {
          return await handler(inner);
        } catch (error) {
          thrown.add(error);
          throw error;
        }
      });
    } catch (error) {
      const ends = isGraphBubbleUp(error) || EvenkeelError.isInstance(error);
      if (ends || !thrown.has(error) || node.signal?.aborted === true) throw error;
      const message: unknown = answer.call(node, error, request.toolCall);
      if (message === undefined) throw error;
      return message;
    }
  };
  node.wrapToolCall = wrapper;
}
