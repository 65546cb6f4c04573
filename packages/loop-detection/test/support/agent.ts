import { withMiddleware, wrapModel } from "@evenkeel/core";
import type { AnyMiddleware, EvenkeelEvent } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import type { ScriptedModel } from "@evenkeel/testing";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { HumanMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { ToolNode, createReactAgent, toolsCondition } from "@langchain/langgraph/prebuilt";
import { createDeepAgent } from "deepagents";
import { createAgent } from "langchain";

import { loopDetectionMiddleware } from "../../src/index.ts";
import type { LoopDetectionMiddlewareOptions } from "../../src/index.ts";

/** The part of any graph that tests drive. */
export interface TestGraph {
  invoke(input: unknown, config?: object): Promise<Record<string, unknown>>;
  getState(config: object): Promise<{ values: Record<string, unknown>; tasks: unknown[] }>;
}

/** The kinds of graph that hold one agent with tools; `native` ones never meet `withMiddleware`. */
export const SHAPES = [
  "StateGraph",
  "createReactAgent v1",
  "createReactAgent v2",
  "createAgent",
  "createAgent native",
  "deepagents",
] as const;

/** What a scripted model answers, by a function of the call. */
export type ScriptedTurns = Parameters<typeof scriptedModel>[0];
export type ScriptedCall = ScriptedModel["calls"][number];
export type ScriptedReply = Awaited<ReturnType<Extract<ScriptedTurns, (call: never) => unknown>>>;

/** One kind of graph. */
export type Shape = (typeof SHAPES)[number];

/** What an agent is made of. */
export interface AgentParts {
  readonly shape?: Shape;
  readonly tools: readonly StructuredToolInterface[];
  /** Null for the bare graph. */
  readonly options?: LoopDetectionMiddlewareOptions | null;
  readonly checkpointer?: BaseCheckpointSaver;
  readonly beside?: readonly AnyMiddleware[];
}

/** An agent with what is seen of its runs. */
export interface TestAgent {
  readonly graph: TestGraph;
  readonly events: EvenkeelEvent[];
}

/** An agent on a scripted model. */
export interface ScriptedAgent extends TestAgent {
  readonly model: ScriptedModel;
}

/** Deploys an agent on a scripted model: the same one, whatever it is made of. */
export function deploy(parts: AgentParts & { readonly turns: ScriptedTurns }): ScriptedAgent {
  const model = scriptedModel(parts.turns);
  return { model, ...deployOn(model, parts) };
}

/** Deploys an agent on any model. */
export function deployOn(model: ToolModel, parts: AgentParts): TestAgent {
  const { checkpointer = new MemorySaver(), options = {}, beside = [] } = parts;
  const events: EvenkeelEvent[] = [];
  const stack = options === null ? null : [...beside, loopDetectionMiddleware(options)];
  const shape = parts.shape ?? "StateGraph";
  const bare = buildShape(shape, model, parts.tools, checkpointer, stack ?? []);
  const around = stack !== null && shape !== "createAgent native";
  const graph = around
    ? withMiddleware(bare, stack, { onEvent: (event) => void events.push(event) })
    : bare;
  return { graph: ("graph" in graph ? graph.graph : graph) as TestGraph, events };
}

/** A chat model that takes tools. */
type ToolModel = BaseChatModel & Required<Pick<BaseChatModel, "bindTools">>;

function buildShape(
  shape: Shape,
  model: ToolModel,
  given: readonly StructuredToolInterface[],
  checkpointer: BaseCheckpointSaver,
  stack: readonly AnyMiddleware[],
): object {
  const tools = [...given];
  if (shape === "createAgent") return createAgent({ model, tools, checkpointer });
  if (shape === "createAgent native") {
    return createAgent({ model, tools, checkpointer, middleware: stack as never });
  }
  const llm = wrapModel(model);
  if (shape === "deepagents") {
    return createDeepAgent({ model: llm as never, tools: tools as never, checkpointer }) as object;
  }
  if (shape !== "StateGraph") {
    return createReactAgent({
      llm,
      tools,
      checkpointer,
      version: shape.endsWith("1") ? "v1" : "v2",
    });
  }
  const bound = llm.bindTools(tools);
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await bound.invoke(messages)] }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer });
}

/** The config of a thread. */
export function thread(id = "thread-1"): { configurable: { thread_id: string } } {
  return { configurable: { thread_id: id } };
}

/** What a user says. */
export function ask(content: string): { messages: BaseMessage[] } {
  return { messages: [new HumanMessage({ content, id: "human" })] };
}

/** What a model is told at the end of a request beyond the state; undefined where nothing was added. */
export function toldTo({ messages }: ScriptedCall): string | undefined {
  const last = messages.at(-1);
  const added = last?.type === "human" && messages.length > 1 && last.id === undefined;
  return added ? last.text : undefined;
}

/** Everything the model was told in a run, call by call. */
export function toldIn({ model }: ScriptedAgent): (string | undefined)[] {
  return model.calls.map(toldTo);
}

/** Texts of a run's messages. */
export function textsOf(output: Record<string, unknown>): string[] {
  return (output["messages"] as BaseMessage[]).map(({ text }) => text);
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
