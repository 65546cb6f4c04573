import { withMiddleware, wrapModel } from "@evenkeel/core";
import type { AnyMiddleware, EvenkeelEvent, WithMiddlewareOptions } from "@evenkeel/core";
import type { BaseMessage } from "@langchain/core/messages";
import { SystemMessage } from "@langchain/core/messages";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { ToolNode, createReactAgent, toolsCondition } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";

/** The part of any graph that tests drive. */
export interface TestGraph {
  invoke(input: unknown, config?: Record<string, unknown>): Promise<Record<string, unknown>>;
  stream(input: unknown, config?: Record<string, unknown>): Promise<AsyncIterable<unknown>>;
  streamEvents(input: unknown, config: Record<string, unknown>): AsyncIterable<unknown>;
  getState(config: Record<string, unknown>): Promise<{ values: unknown; tasks: unknown[] }>;
  getStateHistory(config: Record<string, unknown>): AsyncIterable<{
    config: { configurable?: Record<string, unknown> };
    next: string[];
  }>;
  updateState(config: Record<string, unknown>, values: unknown, asNode?: string): Promise<unknown>;
  withConfig(config: Record<string, unknown>): TestGraph;
}

/** The kinds of graph that hold one agent with tools. */
export const AGENT_SHAPES = [
  "StateGraph",
  "createReactAgent v1",
  "createReactAgent v2",
  "createAgent",
] as const;

/** One kind of graph. */
export type AgentShape = (typeof AGENT_SHAPES)[number];

/** What an agent is made of. */
export interface AgentParts {
  readonly shape?: AgentShape;
  readonly model: object;
  readonly prompt?: string | undefined;
  readonly tools?: readonly StructuredToolInterface[];
  readonly checkpointer?: BaseCheckpointSaver;
  /** Null for the bare graph. */
  readonly middleware: readonly AnyMiddleware[] | null;
  readonly events?: EvenkeelEvent[];
  readonly run?: WithMiddlewareOptions;
}

/** Deploys an agent: the same graph, whatever it is made of. */
export function deploy(parts: AgentParts): TestGraph {
  const graph = bareAgent(parts);
  if (parts.middleware === null) return ("graph" in graph ? graph.graph : graph) as TestGraph;
  return withMiddleware(graph, parts.middleware, {
    ...parts.run,
    onEvent: (event) => parts.events?.push(event),
  }) as unknown as TestGraph;
}

function bareAgent(parts: AgentParts): object {
  const { shape = "StateGraph", prompt, checkpointer = new MemorySaver() } = parts;
  const tools = [...(parts.tools ?? [])];
  const options = { tools, checkpointer, ...(prompt === undefined ? {} : { prompt }) };
  if (shape === "createAgent") {
    const system = prompt === undefined ? {} : { systemPrompt: prompt };
    return createAgent({ model: parts.model as never, tools, checkpointer, ...system });
  }
  const model = wrapModel(parts.model);
  if (shape !== "StateGraph") {
    const version = shape === "createReactAgent v1" ? "v1" : "v2";
    return createReactAgent({ ...options, llm: model as never, version });
  }
  const bound = tools.length === 0 ? model : (model as ToolModel).bindTools(tools);
  const leading = prompt === undefined ? [] : [new SystemMessage(prompt)];
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }, config) => ({
      messages: [await (bound as ToolModel).invoke([...leading, ...messages], config)],
    }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer });
}

interface ToolModel {
  bindTools(tools: StructuredToolInterface[]): ToolModel;
  invoke(messages: BaseMessage[], config?: object): Promise<BaseMessage>;
}

/** The config of a thread. */
export function thread(
  id = "thread-1",
  rest: Record<string, unknown> = {},
): Record<string, unknown> {
  const { configurable, ...config } = rest;
  return { ...config, configurable: { thread_id: id, ...(configurable as object | undefined) } };
}

/** The code an error carries, wherever in its causes. */
export async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
  } catch (error) {
    for (let at: unknown = error; at instanceof Error; at = at.cause) {
      const { code } = at as { code?: unknown };
      if (typeof code === "string") return code;
    }
    throw error;
  }
  return undefined;
}
