import { readEnvelope } from "@evenkeel/core";
import type { Restart } from "@evenkeel/core";
import type { BaseMessage } from "@langchain/core/messages";
import { ToolMessage } from "@langchain/core/messages";

import { callSequence } from "../context/call-sequence.ts";
import type { SeenCall } from "../context/call-sequence.ts";
import type { CallRecord } from "../context/report.ts";
import type { RetryContext } from "../options.ts";

/**
 * Where the next attempt begins, and the calls that decide it. Begun at the start, a model plans the
 * effects that stand anew, and under new ids only a business key tells that they are the same: so
 * where one stands without such a key, the attempt begins before the last decision.
 */
export function restartFor(
  messages: readonly BaseMessage[],
  seen: readonly SeenCall[],
  { options }: RetryContext,
): { restart: Restart; calls: CallRecord[] } {
  const { context, effectTools } = options;
  const maxResultChars = context === false ? 0 : context.maxResultChars;
  const calls = callSequence(messages, seen, { maxResultChars, effectTools });
  if (options.restart !== "auto") return { restart: options.restart, calls };
  const keyed = new Set(
    messages.flatMap((message) =>
      ToolMessage.isInstance(message) && readEnvelope(message)?.details["businessKey"] === true
        ? [message.tool_call_id]
        : [],
    ),
  );
  const unkeyed = calls.some(({ stands, id }) => stands && !keyed.has(id));
  return { restart: unkeyed ? "last-decision" : "start", calls };
}
