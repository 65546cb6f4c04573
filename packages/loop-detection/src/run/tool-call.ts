import { toolAnswer } from "@evenkeel/core";
import type { Handler, ToolCallRequest, ToolResult } from "@evenkeel/core";
import { ToolMessage } from "@langchain/core/messages";

import { fingerprintCall } from "../fingerprint/call.ts";
import { shortHash } from "../fingerprint/short-hash.ts";
import { blockedText } from "../ladder/message.ts";
import type { LoopContext } from "../options.ts";
import { answerText } from "../turns/answer-text.ts";
import { BLOCKED } from "../turns/unread-turns.ts";
import { type Conversation, type EarlierAnswer, conversationsOf } from "./conversation.ts";
import { say } from "./say.ts";

const searchedMessages = 400;
const quoteLimit = 20_000;

/** Answers a call that is blocked with the result it had before; makes every other one. */
export async function blockToolCall(
  request: ToolCallRequest,
  handler: Handler<ToolCallRequest, ToolResult>,
  context: LoopContext,
): Promise<ToolResult> {
  const held = blockedCall(request, context);
  if (held === undefined) return handler(request);
  const { toolCall } = request;
  const { name } = context.live;
  const { finding } = held;
  const { kind, count, tools } = finding;
  context.emit("loop-detected", {
    severity: "medium",
    failure: "planning",
    callId: toolCall.id ?? "",
    detail: { action: "block", kind, count, tools, tool: toolCall.name, answered: true },
  });
  return toolAnswer({
    toolCall,
    envelope: {
      v: 1,
      code: BLOCKED,
      message: say({ action: "block", finding, text: blockedText(finding) }, context),
      retryable: false,
      safeToReplay: true,
      by: name,
      details: {
        kind,
        count,
        failureClass: "planning",
        earlier: held.answer.answer,
        failed: held.answer.failed,
      },
    },
    quote: { label: "earlier result", text: earlierText(request, held.answer) },
  });
}

/** The finding and earlier answer of a call that was noted as blocked when the model made it. */
function blockedCall(
  { toolCall }: ToolCallRequest,
  context: LoopContext,
): { finding: NonNullable<Conversation["finding"]>; answer: EarlierAnswer } | undefined {
  const { id, name, args } = toolCall;
  if (id === undefined) return undefined;
  const call = shortHash(id);
  for (const { pending, blocked, finding } of conversationsOf(context)) {
    const [exact, loose] = Object.hasOwn(pending, call) ? (pending[call] ?? []) : [];
    if (exact === undefined || loose === undefined || finding === null) continue;
    // Somebody may have edited the call since: then it is another one, and made.
    if (fingerprintCall({ tool: name, arguments: args }).exact !== exact) return undefined;
    const answer = blocked[loose];
    return answer === undefined ? undefined : { finding, answer };
  }
  return undefined;
}

/** The earlier result as the state's message list holds it, else what was kept of it. */
function earlierText({ state }: ToolCallRequest, { callId, text }: EarlierAnswer): string {
  const lists = [state["messages"], ...Object.values(state)];
  for (const list of callId === null ? [] : lists) {
    if (!Array.isArray(list)) continue;
    const found = (list as unknown[])
      .slice(-searchedMessages)
      .findLast((one) => ToolMessage.isInstance(one) && one.tool_call_id === callId);
    if (ToolMessage.isInstance(found)) return cut(answerText(found.content));
  }
  return text;
}

function cut(text: string): string {
  return text.length <= quoteLimit
    ? text
    : `${text.slice(0, quoteLimit)}\n[cut: ${text.length} characters in all]`;
}
