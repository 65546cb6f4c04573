import { HumanMessage } from "@langchain/core/messages";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { test } from "vitest";

import { bare, thread, watched } from "./support/both.ts";
const INPUT = { messages: [new HumanMessage({ content: "Hello?", id: "human-1" })] };
test("x", async () => {
  const endless = (kit: any) => {
    const model = kit.model(({ messages }: any) =>
      messages.length === 1 ? { content: "First." } : { content: "Never.", delayMs: 600_000 },
    );
    const say = async ({ messages }: any, { signal }: any) => {
      try {
        return { messages: [await model.invoke(messages, { signal })] };
      } catch (e: any) {
        console.log("node threw", e.name, Date.now() - t0);
        throw e;
      }
    };
    return new StateGraph(MessagesAnnotation)
      .addNode("first", say)
      .addNode("second", say)
      .addEdge(START, "first")
      .addEdge("first", "second");
  };
  const t0 = Date.now();
  for (const s of [bare(endless), watched(endless)] as any[]) {
    const abort = new AbortController();
    const orig = s.graph._runLoop.bind(s.graph);
    s.graph._runLoop = async (p: any) => {
      try {
        await orig(p);
        console.log("loop done", Date.now() - t0);
      } catch (e: any) {
        console.log("loop threw", e.name, Date.now() - t0);
        throw e;
      }
    };
    const stream = process.env["EV"]
      ? await s.graph.streamEvents(INPUT, thread("thread-1", { version: "v2" }))
      : await s.graph.stream(
          INPUT,
          thread("thread-1", { streamMode: "updates", signal: abort.signal }),
        );
    try {
      for await (const c of stream) {
        if (process.env["EV"] && !(c.event === "on_chain_start" && c.name === "second")) continue;
        console.log("chunk", Object.keys(c), Date.now() - t0);
        break;
      }
      console.log("left", Date.now() - t0);
    } catch (e: any) {
      console.log("consumer", e.name, Date.now() - t0);
    }
    await new Promise((r) => setTimeout(r, 1000));
    console.log("after", s.spy?.outcomes);
  }
});
