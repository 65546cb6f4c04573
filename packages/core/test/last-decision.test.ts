import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import {
  Annotation,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { describe, expect, test } from "vitest";

import { lastDecision } from "../src/run/last-decision.ts";

const config = { configurable: { thread_id: "thread" } };

const plan: readonly BaseMessage[] = [
  new AIMessage({ content: "", tool_calls: [{ id: "1", name: "pay", args: {} }] }),
  new ToolMessage({ content: "paid", tool_call_id: "1" }),
  new AIMessage({ content: "", tool_calls: [{ id: "2", name: "look", args: {} }] }),
  new ToolMessage({ content: "empty", tool_call_id: "2" }),
];

/** A list that is only appended to, and gives no message an id. */
const Unnumbered = Annotation.Root({
  messages: Annotation<BaseMessage[]>({ reducer: (one, other) => [...one, ...other] }),
});

/** Runs model, tool, model, tool, and gives the saver with all it was told. */
async function ran(state: typeof Unnumbered): Promise<MemorySaver> {
  const saver = new MemorySaver();
  const builder = new StateGraph(state) as unknown as StateGraph<unknown>;
  let from: string = START;
  for (const [index, message] of plan.entries()) {
    const name = `step${index}`;
    builder.addNode(name, () => ({ messages: [message] }));
    builder.addEdge(from as never, name as never);
    from = name;
  }
  const graph = builder.compile({ checkpointer: saver });
  await graph.invoke({ messages: [new HumanMessage("Please.")] }, config);
  return saver;
}

async function stepOf(saver: MemorySaver, id: string | undefined): Promise<number | undefined> {
  for await (const { checkpoint, metadata } of saver.list(config)) {
    if (checkpoint.id === id) return metadata?.step;
  }
  return undefined;
}

describe.each([
  ["a list with ids", MessagesAnnotation as unknown as typeof Unnumbered],
  ["a list without ids", Unnumbered],
])("the newest decision of a run with %s", (_title, state) => {
  test("is where the model spoke last", async () => {
    const saver = await ran(state);
    const head = await saver.getTuple(config);
    expect(await stepOf(saver, await lastDecision(saver, head, undefined))).toBe(2);
  });

  test("is the same where the writes that led to the next checkpoint were lost", async () => {
    const saver = await ran(state);
    saver.writes = {};
    const head = await saver.getTuple(config);
    expect(await stepOf(saver, await lastDecision(saver, head, undefined))).toBe(2);
  });

  test("is none before the execution began", async () => {
    const saver = await ran(state);
    const head = await saver.getTuple(config);
    expect(await lastDecision(saver, head, head?.checkpoint.id)).toBeUndefined();
  });
});
