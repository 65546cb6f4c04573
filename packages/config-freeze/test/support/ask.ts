import { withMiddleware } from "@evenkeel/core";
import type { AnyMiddleware, EvenkeelEvent } from "@evenkeel/core";
import { HumanMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import {
  Command,
  END,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
  interrupt,
} from "@langchain/langgraph";
import type { LangGraphRunnableConfig } from "@langchain/langgraph";

import { configFreezeMiddleware } from "../../src/index.ts";
import type { ConfigFreezeMiddlewareOptions } from "../../src/index.ts";
import { thread } from "./agent.ts";
import type { TestGraph } from "./agent.ts";

/** What a node asks its model; what comes back is not looked at. */
export type Ask = (messages: BaseMessage[], config: LangGraphRunnableConfig) => Promise<unknown>;

/** A graph that asks, pauses, and asks again: the part after the pause is another deploy's. */
export function askingGraph(
  ask: Ask,
  checkpointer: MemorySaver,
  middleware: readonly AnyMiddleware[],
  events: EvenkeelEvent[] = [],
): TestGraph {
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("ask", async ({ messages }, config) => {
      await ask(messages, config);
      return { messages: [new HumanMessage("go on")] };
    })
    .addNode("pause", async () => {
      interrupt("wait");
      return {};
    })
    .addEdge(START, "ask")
    .addConditionalEdges("ask", ({ messages }) => (messages.length < 4 ? "pause" : END))
    .addEdge("pause", "ask")
    .compile({ checkpointer });
  return withMiddleware(graph, middleware, {
    onEvent: (event) => events.push(event),
  });
}

/** Runs an execution of three calls: one by `before`, two by `after`. */
export async function askTwice(
  before: Ask,
  after: Ask,
  options: ConfigFreezeMiddlewareOptions = {},
  config: { before?: Record<string, unknown>; after?: Record<string, unknown> } = {},
): Promise<{ saver: MemorySaver; events: EvenkeelEvent[] }> {
  const saver = new MemorySaver();
  const events: EvenkeelEvent[] = [];
  const deployed = (ask: Ask): TestGraph =>
    askingGraph(ask, saver, [configFreezeMiddleware(options)], events);
  const input = { messages: [new HumanMessage("hello")] };
  await deployed(before).invoke(input, thread("thread-1", config.before));
  await deployed(after).invoke(new Command({ resume: 1 }), thread("thread-1", config.after));
  await deployed(after).invoke(new Command({ resume: 1 }), thread("thread-1", config.after));
  return { saver, events };
}
