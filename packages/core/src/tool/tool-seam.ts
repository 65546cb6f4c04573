import { ToolMessage } from "@langchain/core/messages";
import type { ToolCall } from "@langchain/core/messages/tool";
import { isCommand } from "@langchain/langgraph";

import { compose } from "../compose.ts";
import { layersOf } from "../graph/layers.ts";
import type { ToolCallRequest, ToolResult } from "../middleware.ts";
import { hookRuntime, toolName } from "../model/model-seam.ts";
import { NONE_PASSED, ambientScope, withScope } from "../run/scope.ts";
import type { CallScope, Passed } from "../run/scope.ts";

/** One call of a tool as it reached the seam. */
export interface ToolSeamCall {
  readonly toolCall: ToolCall;
  /** Undefined where the model called a tool that does not exist. */
  readonly tool: unknown;
  readonly state: Readonly<Record<string, unknown>>;
  /** Makes the call; errors of the tool are thrown. */
  readonly run: (request: ToolCallRequest) => Promise<unknown>;
}

/** True where a tool call would meet middleware. */
export function toolSeamActive(): boolean {
  const { graph, node } = ambientScope();
  return graph !== undefined && node !== undefined;
}

/** Carries a tool call through the middleware of all graphs around it; the tool's errors pass out. */
export async function throughToolSeam(call: ToolSeamCall): Promise<ToolResult> {
  const scope = ambientScope();
  const { graph, node } = scope;
  const base = async (request: ToolCallRequest): Promise<ToolResult> =>
    asToolResult(await call.run(request), request.toolCall);
  let state: ToolCallRequest["state"] | undefined;
  const request: ToolCallRequest = {
    toolCall: call.toolCall,
    tool: call.tool,
    // What few hooks look at is put together for those alone.
    get state() {
      return (state ??= { ...node?.readState(), ...call.state });
    },
    runtime: hookRuntime(),
  };
  if (graph === undefined) return base(request);
  const id = call.toolCall.id ?? "tool";
  const outer = scope.call?.kind === "tool" && scope.call.id === id ? scope.call : undefined;
  const passed = outer?.passed ?? NONE_PASSED;
  const layers = layersOf(graph.stack);
  const { name } = call.toolCall;
  const seam = compose(
    outer === undefined ? layers.tool : layers.tool.filter((layer) => !passed.has(layer.name)),
    (inner) => {
      const all = layers.toolNames;
      const past = callScope(id, name, all, { begun: false });
      const { effect } = ambientScope();
      return withScope({ effect, graph, node, call: past }, () => base(inner));
    },
  );
  const { effect } = scope;
  const entered = callScope(id, name, passed);
  return withScope({ effect, graph, node, call: entered }, () => seam(request));
}

function callScope(id: string, name: string, passed: Passed, tool?: CallScope["tool"]): CallScope {
  return { kind: "tool", id, site: undefined, name, passed, stream: undefined, tool };
}

/** A tool that middleware of the stack brings, by name. */
export function stackTool(name: string): unknown {
  const { graph } = ambientScope();
  if (graph === undefined) return undefined;
  return layersOf(graph.stack)
    .withTools.flatMap((entry) => entry.tools)
    .find((tool) => toolName(tool) === name);
}

/** What LangGraph's ToolNode makes of a tool's output: messages and Commands as they are, else text. */
export function asToolResult(output: unknown, toolCall: ToolCall): ToolResult {
  if (ToolMessage.isInstance(output) || isCommand(output)) return output;
  return new ToolMessage({
    status: "success",
    name: toolCall.name,
    content: typeof output === "string" ? output : (JSON.stringify(output) ?? ""),
    tool_call_id: toolCall.id ?? "",
  });
}
