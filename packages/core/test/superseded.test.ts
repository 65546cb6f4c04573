import { HumanMessage } from "@langchain/core/messages";
import { MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";

import { defineMiddleware, withMiddleware } from "../src/index.ts";
import type { RunOutcome } from "../src/index.ts";

const config = { configurable: { thread_id: "t" } };
const say = (text: string) => ({ messages: [new HumanMessage(text)] });

describe("a new input", () => {
  test("ends the run that is at work on its thread in this process as superseded", async () => {
    const outcomes: RunOutcome["status"][] = [];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let runs = 0;
    let began = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      began = resolve;
    });
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("wait", async () => {
        runs += 1;
        began();
        if (runs === 1) await held;
        return { messages: [] };
      })
      .addEdge(START, "wait")
      .compile({ checkpointer: new MemorySaver() });
    const agent = withMiddleware(graph, [
      defineMiddleware({
        name: "outcomes",
        options: {},
        wrapRun: async (request, handler) => {
          const outcome = await handler(request);
          outcomes.push(outcome.status);
          return outcome;
        },
      }),
    ]);
    const first = agent.invoke(say("one"), config);
    await begun;
    await agent.invoke(say("two"), config);
    release();
    await first;
    expect(outcomes).toEqual(["completed", "superseded"]);
  });
});

describe("updateState", () => {
  test("does not reach a private channel", async () => {
    const saver = new MemorySaver();
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("agent", () => ({ messages: [] }))
      .addEdge(START, "agent")
      .compile({ checkpointer: saver });
    const agent = withMiddleware(graph, [
      defineMiddleware({
        name: "keeper",
        options: {},
        state: { _kept: {} },
        wrapRun: (request, handler, { state }) => {
          state.write("_kept", { own: true });
          return handler(request);
        },
      }),
    ]);
    await agent.invoke(say("one"), config);
    const forged = { ...say("two"), _kept: { v: 1, e: null, d: { own: "forged" } } };
    await agent.updateState(config, forged, "agent");
    const tuple = await saver.getTuple(config);
    expect(tuple?.checkpoint.channel_values["_kept"]).toMatchObject({ d: { own: true } });
    expect(tuple?.checkpoint.channel_values["messages"]).toHaveLength(2);
  });
});
