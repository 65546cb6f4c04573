import { AIMessage, HumanMessage } from "@langchain/core/messages";
import type { Runnable } from "@langchain/core/runnables";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { createAgent, fakeModel } from "langchain";

import { withMiddleware } from "../../src/index.ts";
import type { AnyMiddleware, WithMiddlewareOptions } from "../../src/index.ts";
import type { TestGraph } from "./both.ts";

type Messages = typeof MessagesAnnotation.State;

/** A tool call of the assistant. */
export interface Call {
  name: string;
  args: Record<string, unknown>;
  id: string;
}

/** What goes in: the assistant has just called tools. */
export function calling(...calls: Call[]): object {
  return {
    messages: [
      new HumanMessage({ content: "Please.", id: "human-1" }),
      new AIMessage({ content: "", id: "ai-1", tool_calls: calls }),
    ],
  };
}

/** A class that makes tool nodes, LangGraph's or LangChain's. */
export type ToolNodeClass = new (
  tools: StructuredToolInterface[],
  options?: { handleToolErrors?: boolean },
) => Runnable<Messages, Messages>;

/** LangGraph's and LangChain's tool node; the latter is exported by no door of its package. */
export const TOOL_NODES: readonly { title: string; Node: ToolNodeClass }[] = [
  { title: "LangGraph's ToolNode", Node: ToolNode },
  { title: "LangChain's ToolNode", Node: langChainToolNode() },
];

function langChainToolNode(): ToolNodeClass {
  const placeholder: unknown = { name: "none", invoke: () => "", lc_runnable: true };
  const { graph } = createAgent({
    model: fakeModel(),
    tools: [placeholder as StructuredToolInterface],
  });
  const { nodes } = (graph as unknown as { builder: { nodes: Record<string, ToolNodeSpec> } })
    .builder;
  return nodes["tools"]?.runnable.constructor as ToolNodeClass;
}

interface ToolNodeSpec {
  readonly runnable: Runnable;
}

/** A graph of one tool node, bare or with middleware. */
export function toolGraph(
  node: Runnable<Messages, Messages>,
  middleware?: readonly AnyMiddleware[],
  options: WithMiddlewareOptions = {},
): TestGraph {
  const builder = new StateGraph(MessagesAnnotation).addNode("tools", node).addEdge(START, "tools");
  const { checkpointer, store } = options;
  const graph =
    middleware === undefined
      ? builder.compile({ ...(checkpointer && { checkpointer }), ...(store && { store }) })
      : withMiddleware(builder, middleware, options);
  return graph as unknown as TestGraph;
}

/** What a run came to: its result, or the error it ended with. */
export async function outcomeOf(run: Promise<unknown>): Promise<unknown> {
  return run.catch((error: Error) => ({ error: error.name, message: error.message }));
}
