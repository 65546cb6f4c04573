import type { OnionLayer } from "../compose.ts";
import type { ModelRequest, ModelResult, ToolCallRequest, ToolResult } from "../middleware.ts";
import type { StackEntry } from "./stack.ts";

/** What calls pass in a stack, outermost first. */
export interface StackLayers {
  readonly model: readonly OnionLayer<ModelRequest, ModelResult>[];
  readonly tool: readonly OnionLayer<ToolCallRequest, ToolResult>[];
  /** Names of those around tools. */
  readonly toolNames: ReadonlySet<string>;
  /** Entries whose tools LangChain does not offer itself. */
  readonly withTools: readonly StackEntry[];
}

const known = new WeakMap<readonly StackEntry[], StackLayers>();

/** The layers of a stack; every call of every run asks for them, so they are made once. */
export function layersOf(stack: readonly StackEntry[]): StackLayers {
  const made = known.get(stack);
  if (made !== undefined) return made;
  const tool = stack.flatMap((entry) => (entry.tool === undefined ? [] : [entry.tool]));
  const layers = {
    model: stack.flatMap((entry) => (entry.model === undefined ? [] : [entry.model])),
    tool,
    toolNames: new Set(tool.map(({ name }) => name)),
    withTools: stack.filter(({ native, tools }) => !native && tools.length > 0),
  };
  known.set(stack, layers);
  return layers;
}
