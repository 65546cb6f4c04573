import { ToolMessage } from "@langchain/core/messages";
import type { ToolCall } from "@langchain/core/messages/tool";

import { CoreError } from "../errors.ts";
import { ambientScope } from "../run/scope.ts";
import { v7 } from "../store/ids.ts";
import { asToolResult, throughToolSeam, toolSeamActive } from "./tool-seam.ts";

interface ToolLike {
  name: string;
  invoke(input: unknown, options?: unknown): Promise<unknown>;
}

const WRAPPED = Symbol.for("evenkeel.wrapped-tool");

/**
 * Makes the calls of tools pass the middleware of the graph they are made in: for hand-written tool
 * loops, and for agents called inside a function node. A ToolNode needs none of this.
 *
 * Error behavior: something that is no tool throws `invalid-options`; a tool's errors pass through.
 * Output: the same kind of tools, in the same order. State: none. When it fires: at `invoke`, once
 * per tool call, whether the tool node wraps it as well or not.
 *
 * @example
 * ```ts
 * const tools = wrapTools([lookupOrder, refund]);
 * ```
 */
export function wrapTools<const Tools extends readonly object[]>(tools: Tools): Tools {
  if (!Array.isArray(tools)) throw refuse(tools, "a list of tools is allowed");
  return tools.map((tool) => wrapTool(tool)) as unknown as Tools;
}

function wrapTool(tool: object): object {
  if (WRAPPED in tool) return tool;
  const base = tool as ToolLike;
  if (typeof base.name !== "string" || typeof base.invoke !== "function") {
    throw refuse(tool, "a LangChain tool (with `name` and `invoke`) is allowed");
  }
  const self = Object.create(base) as ToolLike;
  Object.defineProperty(self, WRAPPED, { value: true });
  Object.defineProperty(self, "invoke", {
    value: (input: unknown, options?: unknown) =>
      toolSeamActive() ? invokeSeam(base, input, options) : base.invoke(input, options),
  });
  return self;
}

async function invokeSeam(base: ToolLike, input: unknown, options: unknown): Promise<unknown> {
  const toolCall = asToolCall(base, input);
  const outcome: { output?: unknown; result?: unknown } = {};
  const result = await throughToolSeam({
    toolCall,
    tool: base,
    state: ambientScope().node?.readState() ?? {},
    run: async (request) => {
      const tool = (request.tool ?? base) as ToolLike;
      const changed = request.toolCall !== toolCall;
      const next = isToolCall(input)
        ? changed
          ? { ...request.toolCall, type: "tool_call" }
          : input
        : request.toolCall.args;
      outcome.output = await tool.invoke(next, options);
      outcome.result = asToolResult(outcome.output, request.toolCall);
      return outcome.result;
    },
  });
  if (isToolCall(input)) return result;
  // Called with bare arguments, a tool answers with its bare output unless a middleware answered.
  if (result === outcome.result) return outcome.output;
  return ToolMessage.isInstance(result) ? result.content : result;
}

function isToolCall(input: unknown): input is ToolCall {
  return (
    typeof input === "object" &&
    input !== null &&
    (input as { type?: unknown }).type === "tool_call"
  );
}

function asToolCall(tool: ToolLike, input: unknown): ToolCall {
  if (isToolCall(input)) return input;
  const args =
    typeof input === "object" && input !== null ? (input as Record<string, unknown>) : { input };
  return { name: tool.name, args, id: `call:${v7()}`, type: "tool_call" };
}

function refuse(came: unknown, allowed: string): CoreError {
  return new CoreError({
    code: "invalid-options",
    message: `wrapTools: ${came === null ? "null" : typeof came} came; ${allowed}.`,
  });
}
