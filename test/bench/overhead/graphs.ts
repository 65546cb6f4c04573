import { wrapModel } from "@evenkeel/core";
import { HumanMessage, SystemMessage } from "@langchain/core/messages";
import { type StructuredToolInterface, tool } from "@langchain/core/tools";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, createReactAgent, toolsCondition } from "@langchain/langgraph/prebuilt";
import type { ChatOpenAI } from "@langchain/openai";
import { createAgent } from "langchain";
import { z } from "zod";

import { type BaseClock, baseClock } from "./base-clock.ts";
import { benchModel } from "./bench-model.ts";
import type { ModelTask } from "./scripted-reply.ts";

/** A node of a compiled graph as LangGraph runs it. */
interface RunnableNode {
  readonly bound: { invoke(input: unknown, config?: unknown): Promise<unknown> };
}

/** The parts of a compiled graph a bench uses. */
export interface BenchGraph {
  readonly nodes: Readonly<Record<string, RunnableNode>>;
  invoke(input: unknown, config: Record<string, unknown>): Promise<unknown>;
}

/** A graph or agent to measure, and the clock its model and tool run by. */
export interface BenchSubject {
  /** What `withMiddleware` takes. */
  readonly source: object;
  readonly clock: BaseClock;
}

/** What a subject is made for. */
export interface SubjectOptions extends ModelTask {
  /** Base URL of the model's endpoint. */
  readonly url: string;
  readonly checkpointer: BaseCheckpointSaver;
}

const SYSTEM_PROMPT = "You answer questions about orders of an online shop. Look up what you say.";
const TOOL_RESULT = JSON.stringify({
  status: "shipped",
  items: ["tea kettle", "two cups"],
  carrier: "parcel service",
  expected: "2026-11-24",
});

/** What every run is asked. */
export function question(): { messages: HumanMessage[] } {
  return { messages: [new HumanMessage({ id: "question", content: "Where is my order?" })] };
}

/** A hand-written graph: agent node, prebuilt ToolNode, and back. */
export function stateGraph({ checkpointer, ...task }: SubjectOptions): BenchSubject {
  const clock = baseClock();
  const tools = [orderTool(clock)];
  const model = wrapModel(benchModel({ ...task, clock })).bindTools(tools);
  const system = new SystemMessage(SYSTEM_PROMPT);
  const source = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({
      messages: [await model.invoke([system, ...messages])],
    }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer });
  return { source, clock };
}

/** LangGraph's prebuilt agent. */
export function reactAgent({ checkpointer, ...task }: SubjectOptions): BenchSubject {
  const clock = baseClock();
  const { model, tools, systemPrompt } = agentParts(task, clock);
  const llm = wrapModel(model);
  const source = createReactAgent({ llm, tools, prompt: systemPrompt, checkpointer });
  return { source, clock };
}

/** LangChain's agent as it comes. */
export function plainAgent({ checkpointer, ...task }: SubjectOptions): BenchSubject {
  const clock = baseClock();
  const source = createAgent({ ...agentParts(task, clock), checkpointer });
  return { source, clock };
}

/** What agents of `createAgent` and deepagents are made of alike. */
export function agentParts(
  task: Omit<SubjectOptions, "checkpointer">,
  clock: BaseClock,
): { model: ChatOpenAI; tools: StructuredToolInterface[]; systemPrompt: string } {
  const model = benchModel({ ...task, clock });
  return { model, tools: [orderTool(clock)], systemPrompt: SYSTEM_PROMPT };
}

/** The compiled graph of a subject, with no middleware of ours around it. */
export function compiledGraph({ source }: BenchSubject): BenchGraph {
  return ("graph" in source ? source.graph : source) as BenchGraph;
}

function orderTool(clock: BaseClock): StructuredToolInterface {
  return tool(() => clock.time("tool", () => Promise.resolve(TOOL_RESULT)), {
    name: "look_up_order",
    description: "Looks up an order by its number.",
    schema: z.object({ order: z.string() }),
  });
}
