import { optionInput, uniqueId } from "@evenkeel/core";
import type { ToolCallRequest, ToolResult } from "@evenkeel/core";
import { ToolMessage } from "@langchain/core/messages";
import type { ToolCall } from "@langchain/core/messages/tool";
import { getConfig, getCurrentTaskInput, isCommand } from "@langchain/langgraph";

import { assertToolOptions } from "./assert-options.ts";
import { IdempotencyError } from "./errors.ts";
import type { ToolEffectOptions, ToolIdempotencyOptions } from "./options.ts";
import { toolIdempotencyMiddleware } from "./tool-idempotency.ts";

/** What {@link idempotentTool} can be told: how the tool's effect is kept single, and where. */
export type IdempotentToolOptions = ToolEffectOptions &
  Pick<
    ToolIdempotencyOptions,
    "store" | "onInFlight" | "onUnknown" | "onReplan" | "leaseMs" | "messagesKey"
  >;

interface ToolLike {
  readonly name: string;
  invoke(input: unknown, options?: unknown): Promise<unknown>;
}

type ToolHook = (
  request: ToolCallRequest,
  handler: (request: ToolCallRequest) => Promise<ToolResult>,
) => Promise<ToolResult>;

/**
 * Keeps the effect of a single tool from happening twice, in a graph without `withMiddleware`.
 *
 * Error behavior: as `toolIdempotencyMiddleware`; something that is no tool throws
 * `invalid-options`. Output: a tool of the same kind, whose calls are claimed and recorded.
 * State: none in the graph; there is no run seam, so no lease holds the execution, and without
 * `withMiddleware` an execution is known by its thread and the last human message.
 * When it fires: at each call of the tool.
 *
 * @example
 * ```ts
 * const refundOnce = idempotentTool(refund, { store: memoryStore(), effect: "keyed" });
 * ```
 */
export function idempotentTool<Tool extends object>(
  tool: Tool,
  options: IdempotentToolOptions,
): Tool {
  const base = tool as unknown as ToolLike;
  if (typeof base?.name !== "string" || typeof base.invoke !== "function") {
    throw new IdempotencyError(
      optionInput.refusal("idempotentTool", "tool", tool, "a LangChain tool with name and invoke"),
    );
  }
  assertToolOptions(base.name, options);
  const { effect, key, within, reconcile, revert, ...shared } = options;
  const declared: ToolEffectOptions = {
    effect,
    ...(key === undefined ? {} : { key }),
    ...(within === undefined ? {} : { within }),
    ...(reconcile === undefined ? {} : { reconcile }),
    ...(revert === undefined ? {} : { revert }),
  };
  const middleware = toolIdempotencyMiddleware({
    ...shared,
    name: `idempotentTool(${base.name})`,
    tools: { [base.name]: declared },
  });
  const { wrapToolCall: wrap } = middleware as unknown as { wrapToolCall: ToolHook };
  const self = Object.create(tool) as ToolLike & Tool;
  const value = (input: unknown, settings?: unknown): Promise<unknown> =>
    callThrough(base, wrap, input, settings);
  // `call` is LangChain's older name for it, and would go past.
  Object.defineProperties(self, { invoke: { value }, ...("call" in base && { call: { value } }) });
  return self;
}

async function callThrough(
  tool: ToolLike,
  wrap: ToolHook,
  input: unknown,
  settings: unknown,
): Promise<unknown> {
  const asked = isToolCall(input);
  const toolCall = asked ? input : bareCall(tool, input);
  const made: { output?: unknown; result?: ToolResult } = {};
  const runtime = { signal: (settings as { signal?: AbortSignal } | undefined)?.signal };
  const request = { toolCall, tool, state: taskState(), runtime };
  const result = await wrap(request, async (next) => {
    const changed = next.toolCall !== toolCall;
    const given = asked ? { ...next.toolCall, type: "tool_call" } : next.toolCall.args;
    made.output = await tool.invoke(changed || asked ? given : input, settings);
    made.result = asResult(made.output, toolCall);
    return made.result;
  });
  // Called with bare arguments, a tool answers with its bare output, recorded or not.
  if (result === made.result) return made.output;
  return asked || !ToolMessage.isInstance(result) ? result : result.content;
}

function asResult(output: unknown, { id, name }: ToolCall): ToolResult {
  if (ToolMessage.isInstance(output) || isCommand(output)) return output;
  const content = typeof output === "string" ? output : (JSON.stringify(output) ?? "");
  return new ToolMessage({ name, content, tool_call_id: id ?? "", status: "success" });
}

function taskState(): Readonly<Record<string, unknown>> {
  try {
    const input: unknown = getCurrentTaskInput(getConfig());
    return typeof input === "object" && input !== null ? (input as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function isToolCall(input: unknown): input is ToolCall {
  if (typeof input !== "object" || input === null) return false;
  return (input as { type?: unknown }).type === "tool_call";
}

function bareCall({ name }: ToolLike, input: unknown): ToolCall {
  const plain = typeof input === "object" && input !== null;
  const args = plain ? (input as Record<string, unknown>) : { input };
  return { name, args, id: `call:${uniqueId()}`, type: "tool_call" };
}
