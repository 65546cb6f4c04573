import { HumanMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  Command,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
  interrupt,
} from "@langchain/langgraph";
import type { CheckpointTuple } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";

import { defineMiddleware, withMiddleware } from "../src/index.ts";

/** A saver that counts its reads, and bears nobody but itself, as one with private members does. */
class CountingSaver extends MemorySaver {
  #reads = 0;

  get reads(): number {
    return this.#reads;
  }

  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    this.#reads += 1;
    return super.getTuple(config);
  }
}

function graphOn(checkpointer: MemorySaver) {
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", () => ({ messages: [new HumanMessage(interrupt<string, string>("why?"))] }))
    .addEdge(START, "agent")
    .compile({ checkpointer });
}

type Graph = ReturnType<typeof graphOn>;

const THREAD = { configurable: { thread_id: "t" } };
const INPUT = { messages: [new HumanMessage("one")] };

/** Reads per run: a new thread, its resume, a second input, and a fork from the first checkpoint. */
async function readsOf(saver: CountingSaver, graph: Graph): Promise<number[]> {
  const reads: number[] = [];
  const counted = async (
    input: Parameters<Graph["invoke"]>[0],
    config: RunnableConfig,
  ): Promise<void> => {
    const before = saver.reads;
    await graph.invoke(input, config);
    reads.push(saver.reads - before);
  };
  await counted(INPUT, THREAD);
  await counted(new Command({ resume: "because" }), THREAD);
  await counted(INPUT, THREAD);
  let oldest: RunnableConfig = THREAD;
  for await (const { config, next } of graph.getStateHistory(THREAD)) {
    if (next.includes("agent")) oldest = config;
  }
  await counted(null, oldest);
  return reads;
}

describe("a checkpoint", () => {
  test("is read as often as without middleware", async () => {
    const bare = new CountingSaver();
    const saver = new CountingSaver();
    const wrapped = withMiddleware(graphOn(saver), [
      defineMiddleware({ name: "idle", options: {}, wrapRun: (next, handler) => handler(next) }),
    ]);
    expect(await readsOf(saver, wrapped)).toEqual(await readsOf(bare, graphOn(bare)));
  });

  test("is read anew where a hook let time pass before the run began", async () => {
    const saver = new CountingSaver();
    const wrapped = withMiddleware(graphOn(saver), [
      defineMiddleware({
        name: "late",
        options: {},
        wrapRun: async (next, handler) => {
          await new Promise((resolve) => setTimeout(resolve, 300));
          return handler(next);
        },
      }),
    ]);
    await wrapped.invoke(INPUT, THREAD);
    expect(saver.reads).toBe(2);
  });

  test("is the one of the thread a hook sends the run to", async () => {
    const saver = new CountingSaver();
    await graphOn(saver).invoke(INPUT, { configurable: { thread_id: "other" } });
    const wrapped = withMiddleware(graphOn(saver), [
      defineMiddleware({
        name: "elsewhere",
        options: {},
        wrapRun: (next, handler) =>
          handler({
            ...next,
            input: new Command({ resume: "because" }),
            config: { ...next.config, configurable: { thread_id: "other" } },
          }),
      }),
    ]);
    const { messages } = await wrapped.invoke(INPUT, THREAD);
    expect(messages.map(({ text }) => text)).toEqual(["one", "because"]);
  });
});
