import { HumanMessage } from "@langchain/core/messages";
import {
  MessagesAnnotation,
  RunControl,
  START,
  StateGraph,
  isGraphDrained,
} from "@langchain/langgraph";
import { describe, expect, test } from "vitest";

import { bare, historyOf, thread, watched } from "./support/both.ts";
import type { Build, TestGraph, Watched } from "./support/both.ts";

const INPUT = { messages: [new HumanMessage({ content: "Hello?", id: "human-1" })] };

/** Two nodes that call a model; the second one's may take longer than any test waits. */
function twoNodes(second: { content: string; delayMs?: number }): Build {
  return (kit) => {
    const model = kit.model([{ content: "First." }, second]);
    const say = async (
      { messages }: typeof MessagesAnnotation.State,
      { signal }: { signal?: AbortSignal },
    ) => ({ messages: [await model.invoke(messages, signal === undefined ? {} : { signal })] });
    return new StateGraph(MessagesAnnotation)
      .addNode("first", say)
      .addNode("second", say)
      .addEdge(START, "first")
      .addEdge("first", "second");
  };
}

const quick = twoNodes({ content: "Second." });
const endless = twoNodes({ content: "Never.", delayMs: 600_000 });

async function nextOf(graph: TestGraph): Promise<string[]> {
  return (await graph.getState(thread())).next;
}

/** How a run that was left ended: LangGraph 1.7.3 aborts it, earlier ones let it go on. */
async function endOf({ graph, spy }: Watched): Promise<string> {
  await expect.poll(() => spy.outcomes).toHaveLength(1);
  return (await nextOf(graph)).length === 0 ? "completed" : "failed";
}

describe("a consumer that leaves a stream", () => {
  test.each(["values", "updates", "messages"])(
    "of %s ends the run where the bare one ends",
    async (streamMode) => {
      const [one, two] = [bare(quick), watched(quick)];
      for (const { graph } of [one, two]) {
        for await (const _ of await graph.stream(INPUT, thread("thread-1", { streamMode }))) break;
      }
      const end = await endOf(two);
      expect(two.spy.outcomes).toEqual([end]);
      const history = await historyOf(two.graph, thread());
      await expect.poll(() => historyOf(one.graph, thread())).toEqual(history);
    },
  );

  test("by an error of its own gets that error", async () => {
    const two = watched(quick);
    const consume = async (): Promise<void> => {
      const stream = await two.graph.stream(INPUT, thread("thread-1", { streamMode: "values" }));
      for await (const _ of stream) throw new Error("the consumer fell over");
    };
    await expect(consume()).rejects.toThrow("the consumer fell over");
    const end = await endOf(two);
    expect(two.spy.outcomes).toEqual([end]);
  });

  test("ends the run with the generator that LangGraph's own streams are made of", async () => {
    const { graph, spy } = watched(quick);
    const chunks = graph._streamIterator(INPUT, thread("thread-1", { streamMode: "values" }));
    for await (const _ of chunks) break;
    expect(spy.outcomes).toHaveLength(1);
  });

  test("and cancels it ends the run where the bare one ends", async () => {
    const [one, two] = [bare(endless), watched(endless)];
    const errors: unknown[] = [];
    for (const { graph } of [one, two]) {
      const stream = await graph.stream(INPUT, thread("thread-1", { streamMode: "updates" }));
      const cancel = (stream as unknown as ReadableStream).cancel.bind(stream);
      const consume = async (): Promise<void> => {
        for await (const _ of stream) {
          await cancel().catch(() => undefined);
          break;
        }
      };
      // LangGraph 1.7.3 cancels once more where the loop is left, and says it is too late.
      const error = await consume().catch((failure: Error) => failure.message);
      errors.push(error);
    }
    expect(errors[1]).toBe(errors[0]);
    await expect.poll(() => two.spy.outcomes).toEqual(["failed"]);
    expect(await nextOf(two.graph)).toEqual(await nextOf(one.graph));
  });
});

describe("an abort", () => {
  async function abortInSecond(graph: TestGraph): Promise<unknown> {
    const abort = new AbortController();
    const stream = await graph.stream(
      INPUT,
      thread("thread-1", { streamMode: "updates", signal: abort.signal }),
    );
    const consume = async (): Promise<void> => {
      for await (const _ of stream) abort.abort();
    };
    return consume().catch((error: Error) => [error.name, error.message]);
  }

  test("reaches the caller as it does from the bare graph", async () => {
    const [one, two] = [bare(endless), watched(endless)];
    const expected = await abortInSecond(one.graph);
    expect(expected).toBeDefined();
    expect(await abortInSecond(two.graph)).toEqual(expected);
    await expect.poll(() => two.spy.outcomes).toEqual(["failed"]);
    expect(await nextOf(two.graph)).toEqual(await nextOf(one.graph));
  });

  test("before the start keeps every node from running", async () => {
    const { graph, kit } = watched(endless);
    const signal = AbortSignal.abort();
    await expect(graph.invoke(INPUT, thread("thread-1", { signal }))).rejects.toThrow(/abort/i);
    expect(kit.modelCalls()).toBe(0);
  });
});

describe("a drained graph", () => {
  test("stops between two steps as the bare one does, and goes on later", async () => {
    const build: Build = (kit) => {
      const model = kit.model([{ content: "First." }, { content: "Second." }]);
      const say = async (
        { messages }: typeof MessagesAnnotation.State,
        { control }: { control?: RunControl },
      ) => {
        control?.requestDrain("deploy");
        return { messages: [await model.invoke(messages)] };
      };
      return new StateGraph(MessagesAnnotation)
        .addNode("first", say as never)
        .addNode("second", say as never)
        .addEdge(START, "first")
        .addEdge("first", "second");
    };
    const [one, two] = [bare(build), watched(build)];
    for (const { graph } of [one, two]) {
      const drained = thread("thread-1", { control: new RunControl() });
      const failure = await graph.invoke(INPUT, drained).catch((error: unknown) => error);
      expect(isGraphDrained(failure)).toBe(true);
    }
    expect(await nextOf(two.graph)).toEqual(["second"]);
    expect(two.spy.outcomes).toEqual(["interrupted"]);
    expect(two.spy.events).toEqual([]);
    await two.graph.invoke(null, thread());
    await one.graph.invoke(null, thread());
    expect(await historyOf(two.graph, thread())).toEqual(await historyOf(one.graph, thread()));
    expect(new Set(two.spy.runs).size).toBe(1);
  });
});

describe("an error of a node", () => {
  test("reaches the caller by identity", async () => {
    const failure = new TypeError("it broke");
    const { graph, spy } = watched(() =>
      new StateGraph(MessagesAnnotation)
        .addNode("agent", () => {
          throw failure;
        })
        .addEdge(START, "agent"),
    );
    await expect(graph.invoke(INPUT, thread())).rejects.toBe(failure);
    expect(spy.outcomes).toEqual(["failed"]);
    expect(spy.events).toMatchObject([
      { name: "execution-failed", detail: { error: "TypeError" } },
    ]);
  });
});
