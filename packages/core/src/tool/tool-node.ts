import type { ToolCall } from "@langchain/core/messages/tool";
import { Runnable, mergeConfigs } from "@langchain/core/runnables";
import type { RunnableConfig } from "@langchain/core/runnables";
import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";
import { isGraphBubbleUp } from "@langchain/langgraph";

import { EvenkeelError } from "../errors.ts";
import type { ToolCallRequest } from "../middleware.ts";
import { stackTool, throughToolSeam } from "./tool-seam.ts";

/** What the prebuilt ToolNode and LangChain's have in common. */
export interface ToolNodeLike extends Runnable {
  tools: unknown[];
  run(input: unknown, config: RunnableConfig): Promise<unknown>;
  runTool(call: ToolCall, config: RunnableConfig, state: unknown): Promise<unknown>;
  wrapToolCall?: unknown;
}

/** True for a ToolNode of LangGraph or LangChain, or of a class derived from one. */
export function isToolNode(runnable: unknown): runnable is ToolNodeLike {
  const candidate = runnable as Partial<ToolNodeLike> | null;
  return (
    Runnable.isRunnable(candidate) &&
    Array.isArray((candidate as Partial<ToolNodeLike>).tools) &&
    typeof (candidate as Partial<ToolNodeLike>).runTool === "function" &&
    typeof (candidate as Partial<ToolNodeLike>).run === "function"
  );
}

interface InvokableTool {
  name: string;
  invoke(input: unknown, options?: unknown): Promise<unknown>;
}

/**
 * A view of a ToolNode whose calls pass the middleware. The node's own `runTool` still finds the
 * tool, shapes the result and handles errors by its `handleToolErrors`, so a recoverable tool error
 * stays recoverable; only the invocation in the middle is carried through the seam.
 */
export function instrumentToolNode(node: ToolNodeLike): ToolNodeLike {
  const view = Object.create(node) as ToolNodeLike & { func: unknown };
  view.func = (input: unknown, config: RunnableConfig) => node.run.call(view, input, config);
  view.runTool = (call, config, state) => runThroughSeam(node, call, config, state);
  // LangChain's keeps its last result in a private field, which only the node itself has.
  if ("setState" in node) view.invoke = (input, options) => invokeView(view, input, options);
  return view;
}

function invokeView(
  view: ToolNodeLike & { config?: Partial<RunnableConfig> },
  input: unknown,
  options: Partial<RunnableConfig> | undefined,
): Promise<unknown> {
  const config = mergeConfigs(view.config, options) as RunnableConfig;
  return AsyncLocalStorageProviderSingleton.runWithConfig(config, () => view.run(input, config));
}

function runThroughSeam(
  node: ToolNodeLike,
  call: ToolCall,
  config: RunnableConfig,
  state: unknown,
): Promise<unknown> {
  const real = (node.tools as InvokableTool[]).find((tool) => tool.name === call.name);
  const tool = real ?? (stackTool(call.name) as InvokableTool | undefined);
  const own = node.tools;
  const fatal: unknown[] = [];
  // Stands in for the tool in the node's own look-up, and is the tool in every other respect.
  const stand = Object.create(tool ?? null) as InvokableTool;
  Object.defineProperties(stand, {
    name: { value: call.name },
    invoke: {
      value: (input: unknown, options: unknown) =>
        throughToolSeam({
          toolCall: call,
          tool,
          state: (state ?? {}) as Readonly<Record<string, unknown>>,
          run: (request) =>
            invokeTool(node, request, { call, tool, own, input, options, config, state }),
        }).catch((error: unknown) => {
          if (isGraphBubbleUp(error) || EvenkeelError.isInstance(error)) fatal.push(error);
          throw error;
        }),
    },
  });
  const answer = runWithTools(node, [stand], [call, config, state]);
  return answer.then((result) => {
    // `handleToolErrors` is for errors of tools: a pause or a refusal of a middleware is neither.
    if (fatal.length > 0) throw fatal[0];
    return result;
  });
}

interface Invocation {
  readonly call: ToolCall;
  readonly tool: InvokableTool | undefined;
  readonly own: unknown[];
  readonly input: unknown;
  readonly options: unknown;
  readonly config: RunnableConfig;
  readonly state: unknown;
}

function invokeTool(
  node: ToolNodeLike,
  request: ToolCallRequest,
  invocation: Invocation,
): Promise<unknown> {
  const tool = (request.tool ?? invocation.tool) as InvokableTool | undefined;
  if (tool === undefined) {
    // Nobody stepped in for a tool that does not exist: the node answers as it would have.
    const { own, config, state } = invocation;
    return runWithTools(node, own, [request.toolCall, config, state]);
  }
  const input =
    request.toolCall === invocation.call
      ? invocation.input
      : { ...request.toolCall, type: "tool_call" };
  return tool.invoke(input, invocation.options);
}

/** The node's own `runTool` with other tools in sight. */
function runWithTools(
  node: ToolNodeLike,
  tools: unknown[],
  values: Parameters<ToolNodeLike["runTool"]>,
): Promise<unknown> {
  if (!("setState" in node)) {
    const view = Object.create(node, { tools: { value: tools } }) as ToolNodeLike;
    return view.runTool(...values);
  }
  // LangChain's needs its private fields, so it is the node itself that runs. It looks its tool up
  // before it first awaits, so the list is back before anybody else can look.
  const own = node.tools;
  node.tools = tools;
  try {
    return node.runTool(...values);
  } finally {
    node.tools = own;
  }
}
