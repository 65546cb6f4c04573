import { withMiddleware, wrapModel } from "@evenkeel/core";
import type { AnyMiddleware } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { z } from "zod";

/** An agent that makes a number of tool calls and answers, as an execution of its own each time. */
export interface FlagsAgent {
  /** Runs one execution on a thread of its own; returns the thread. */
  run(): Promise<string>;
  /** Supersteps and checkpoints of a thread. */
  counts(thread: string): Promise<{ supersteps: number; checkpoints: number }>;
}

let threads = 0;

/** Builds the agent with a stack around it. */
export function flagsAgent(
  stack: readonly AnyMiddleware[],
  checkpointer: BaseCheckpointSaver,
  rounds: number,
): FlagsAgent {
  const search = tool(({ query }) => JSON.stringify({ query, hits: ["a", "b"], total: 2 }), {
    name: "search_orders",
    description: "Searches.",
    schema: z.object({ query: z.string() }),
  });
  const calls = Array.from({ length: rounds }, (_, round) => ({
    toolCalls: [{ id: `call-${round}`, name: "search_orders", args: { query: `order ${round}` } }],
    usage: { promptTokens: 200, completionTokens: 20 },
  }));
  const answer = { content: "Two orders were found: a and b.", usage: { promptTokens: 300 } };
  const build = () => {
    const model = wrapModel(scriptedModel([...calls, answer])).bindTools([search]);
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addNode("tools", new ToolNode([search]))
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "agent")
      .compile({ checkpointer });
    return withMiddleware(graph, [...stack]);
  };
  return {
    async run() {
      const thread = `flags-${(threads += 1)}`;
      const input = { messages: [{ role: "user" as const, content: "Find the orders a and b." }] };
      const config = { configurable: { thread_id: thread }, durability: "sync" as const };
      await build().invoke(input, { ...config, recursionLimit: rounds * 2 + 10 });
      return thread;
    },
    async counts(thread) {
      const steps: number[] = [];
      const history = build().getStateHistory({ configurable: { thread_id: thread } });
      for await (const { metadata } of history) steps.push(metadata?.step ?? 0);
      return { supersteps: Math.max(...steps), checkpoints: steps.length };
    },
  };
}
