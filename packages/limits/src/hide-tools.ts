import { toolName } from "@evenkeel/core";
import type { ModelRequest } from "@evenkeel/core";

/** A request without the tools of these names; the same request where it has none of them. */
export function hideTools(request: ModelRequest, hidden: ReadonlySet<string>): ModelRequest {
  const isHidden = (tool: unknown): boolean => hidden.has(toolName(tool) ?? "");
  if (hidden.size === 0 || !request.tools.some(isHidden)) return request;
  const tools = request.tools.filter((tool) => !isHidden(tool));
  if (tools.length === 0) return withoutAnyTool(request);
  const { toolChoice, ...rest } = request;
  // A provider refuses a choice of a tool it was not given.
  const keeps = toolChoice !== undefined && !hidden.has(chosenTool(toolChoice) ?? "");
  return { ...rest, tools, ...(keeps ? { toolChoice } : {}) };
}

/** A request without tools, and without the settings that providers refuse where there are none. */
export function withoutAnyTool(request: ModelRequest): ModelRequest {
  const { toolChoice: _choice, modelSettings, ...rest } = request;
  const ofTools = ["parallel_tool_calls", "parallelToolCalls", "strict", "tool_choice"];
  const settings = Object.entries(modelSettings ?? {}).filter(([key]) => !ofTools.includes(key));
  return {
    ...rest,
    tools: [],
    ...(modelSettings === undefined ? {} : { modelSettings: Object.fromEntries(settings) }),
  };
}

/** The one tool a tool choice names, in the forms of LangChain, OpenAI and Anthropic. */
function chosenTool(choice: unknown): string | undefined {
  const named = choice as { name?: unknown; function?: { name?: unknown } } | string | null;
  if (typeof named === "string") return named;
  const name = named?.name ?? named?.function?.name;
  return typeof name === "string" ? name : undefined;
}
