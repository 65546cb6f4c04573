import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { defineMiddleware, memoryStore, withMiddleware, wrapModel } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import { END, MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { expect, test } from "vitest";

import { recommendedStack } from "../src/index.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const RUNS = 20;

test("a process that goes on holds nothing of its runs, thread by thread", async () => {
  const runs: WeakRef<object>[] = [];
  // What a hook remembers belongs to its run and is gone with it.
  const witness = defineMiddleware({
    name: "witnessMiddleware",
    options: {},
    wrapRun: (request, handler, { memory }) => {
      runs.push(new WeakRef(memory));
      return handler(request);
    },
  });
  const model = wrapModel(
    scriptedModel(Array.from({ length: RUNS }, () => ({ content: "Done." }))),
  );
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addEdge(START, "agent")
    .addEdge("agent", END)
    .compile({ checkpointer: new MemorySaver() });
  const store = memoryStore();
  const agent = withMiddleware(graph, [...recommendedStack({ store }), witness]);
  for (let thread = 1; thread <= RUNS; thread += 1) {
    const configurable = { thread_id: `thread-${thread}` };
    await agent.invoke({ messages: [new HumanMessage("Please.")] }, { configurable });
  }
  await expect
    .poll(() => {
      collect();
      return runs.filter((run) => run.deref() !== undefined).length;
    })
    // The newest may still be on its way out.
    .toBeLessThanOrEqual(1);
  expect(runs).toHaveLength(RUNS);
});
