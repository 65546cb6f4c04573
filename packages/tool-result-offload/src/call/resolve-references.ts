import { EvenkeelError } from "@evenkeel/core";
import type { ToolCallRequest } from "@evenkeel/core";
import { ToolMessage } from "@langchain/core/messages";

import { recall } from "../reading/recall-result.ts";
import { readingContext } from "./scope.ts";
import type { OffloadScope } from "./scope.ts";

const REFERENCE = /^\s*["'`]?res_[0-9a-z]+["'`]?\s*$/;

/**
 * Puts whole results in place of the handles in the arguments that may hold them; a handle that
 * names nothing here is answered instead of the call, with its code.
 */
export async function resolveReferences(
  request: ToolCallRequest,
  scope: OffloadScope,
): Promise<ToolCallRequest | ToolMessage> {
  const { toolCall } = request;
  const { refArguments } = scope.settings;
  const declared = Object.hasOwn(refArguments, toolCall.name) ? refArguments[toolCall.name] : [];
  const names = (declared ?? []).filter((name) => isReference(toolCall.args, name));
  if (names.length === 0) return request;
  const context = await readingContext(scope);
  const args = { ...toolCall.args };
  for (const name of names) {
    try {
      args[name] = await recall(context, String(toolCall.args[name]));
    } catch (error) {
      scope.signal?.throwIfAborted();
      if (!EvenkeelError.isInstance(error)) throw error;
      return new ToolMessage({
        status: "error",
        name: toolCall.name,
        tool_call_id: toolCall.id ?? "",
        content: `[${error.code}] Argument ${name}: ${error.message}`,
      });
    }
  }
  return { ...request, toolCall: { ...toolCall, args } };
}

function isReference(args: Readonly<Record<string, unknown>>, name: string): boolean {
  const value = Object.hasOwn(args, name) ? args[name] : undefined;
  return typeof value === "string" && REFERENCE.test(value);
}
