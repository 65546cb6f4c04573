import { readEnvelope } from "@evenkeel/core";
import type { ToolCallRequest, ToolResult } from "@evenkeel/core";
import { ToolMessage } from "@langchain/core/messages";
import { isGraphBubbleUp } from "@langchain/langgraph";

import { seenIn } from "../attempt/run-memory.ts";
import type { SeenCall } from "../context/call-sequence.ts";
import type { RetryContext } from "../options.ts";
import { complaintOf, noteRepair } from "./repair.ts";
import { tryAgain, wasNotDone } from "./try-again.ts";

type Handler = (request: ToolCallRequest) => Promise<ToolResult>;

/** `wrapToolCall`: passing trouble is tried again, a call that cannot be made goes back to the model. */
export async function retryToolCall(
  request: ToolCallRequest,
  handler: Handler,
  context: RetryContext,
): Promise<ToolResult> {
  if (context.mode === "observe") return handler(request);
  const { options, memory } = context;
  const { name, args, id = name } = request.toolCall;
  const seen: SeenCall = { id, tool: name, args, status: "unknown", result: undefined };
  seenIn(memory).set(id, seen);
  const call = {
    kind: "tool",
    target: name,
    callId: id,
    signal: request.runtime.signal,
    harmless: (failure, error) =>
      options.repeatableTools.includes(name) || wasNotDone(failure, error),
  } as const satisfies Parameters<typeof tryAgain>[0];
  const noted = (error: unknown): void => {
    const complaint = complaintOf(error, request, context);
    if (complaint !== undefined) noteRepair(id, complaint, context);
  };
  try {
    const result = await tryAgain(call, () => handler(request), context);
    if (request.tool === undefined && isRefusal(result)) noted(result.content);
    const message = ToolMessage.isInstance(result) ? result : undefined;
    seen.status = message?.status === "error" ? "error" : "success";
    seen.result = message?.content;
    return result;
  } catch (error) {
    if (isGraphBubbleUp(error)) throw error;
    seen.status = "error";
    seen.result = error;
    // The tool node makes of it what it would have made; the model is told more beside the messages.
    noted(error);
    throw error;
  }
}

/** What a tool node says of a tool it does not have; a middleware's own answer says more. */
function isRefusal(result: ToolResult): result is ToolMessage {
  return (
    ToolMessage.isInstance(result) &&
    result.status === "error" &&
    readEnvelope(result) === undefined
  );
}
