import { withMiddleware, wrapModel } from "@evenkeel/core";
import type { AnyMiddleware, EvenkeelEvent, WithMiddlewareOptions } from "@evenkeel/core";
import { SystemMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { ToolNode, createReactAgent, toolsCondition } from "@langchain/langgraph/prebuilt";
import { createDeepAgent } from "deepagents";
import { createAgent } from "langchain";

/** The part of any graph that tests drive. */
export interface TestGraph {
  invoke(input: unknown, config?: Record<string, unknown>): Promise<Record<string, unknown>>;
  stream(input: unknown, config?: Record<string, unknown>): Promise<AsyncIterable<unknown>>;
  getState(config: Record<string, unknown>): Promise<{ values: unknown; tasks: unknown[] }>;
  getStateHistory(config: Record<string, unknown>): AsyncIterable<{
    config: { configurable?: Record<string, unknown> };
    next: string[];
  }>;
}

/** The kinds of graph that hold one agent with tools. */
export const SHAPES = [
  "StateGraph",
  "createReactAgent v1",
  "createReactAgent v2",
  "createAgent",
  "deepagents",
] as const;

/** One kind of graph. */
export type Shape = (typeof SHAPES)[number];

/** What an agent is made of. */
export interface AgentParts {
  readonly shape?: Shape | undefined;
  readonly model: object;
  readonly tools: readonly StructuredToolInterface[];
  readonly checkpointer?: BaseCheckpointSaver | undefined;
  /** Null for the bare graph. */
  readonly middleware: readonly AnyMiddleware[] | null;
  readonly events?: EvenkeelEvent[] | undefined;
  readonly run?: WithMiddlewareOptions | undefined;
}

/** An agent as its user would have built it, with middleware around it. */
export function agentOf(parts: AgentParts): TestGraph {
  const graph = bareAgent(parts);
  if (parts.middleware === null) return ("graph" in graph ? graph.graph : graph) as TestGraph;
  return withMiddleware(graph, parts.middleware, {
    ...parts.run,
    onEvent: (event) => parts.events?.push(event),
  }) as unknown as TestGraph;
}

function bareAgent(parts: AgentParts): object {
  const { shape = "StateGraph", checkpointer = new MemorySaver() } = parts;
  const tools = [...parts.tools];
  if (shape === "createAgent") {
    return createAgent({ model: parts.model as never, tools, checkpointer, systemPrompt: PROMPT });
  }
  const model = wrapModel(parts.model);
  if (shape === "deepagents") {
    return createDeepAgent({
      model: model as never,
      tools: tools as never,
      systemPrompt: PROMPT,
      checkpointer,
    }) as object;
  }
  if (shape !== "StateGraph") {
    const version = shape === "createReactAgent v1" ? "v1" : "v2";
    return createReactAgent({ llm: model as never, tools, prompt: PROMPT, version, checkpointer });
  }
  const bound = (model as ToolModel).bindTools(tools);
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }, config) => ({
      messages: [await bound.invoke([new SystemMessage(PROMPT), ...messages], config)],
    }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer });
}

const PROMPT = "You look things up.";

/** A chat model as a hand-written node uses it. */
export interface ToolModel {
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

/** What is to be seen of a private channel in the newest checkpoint of a thread. */
export async function keptIn(
  checkpointer: BaseCheckpointSaver,
  channel: string,
  id = "thread-1",
): Promise<Record<string, unknown>> {
  const tuple = await checkpointer.getTuple({ configurable: { thread_id: id } });
  const held = tuple?.checkpoint.channel_values[channel] as { d?: unknown } | undefined;
  return (held?.d ?? {}) as Record<string, unknown>;
}
