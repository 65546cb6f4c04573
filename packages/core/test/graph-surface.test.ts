import { HumanMessage } from "@langchain/core/messages";
import { RunnableLambda } from "@langchain/core/runnables";
import {
  Annotation,
  CompiledStateGraph,
  MemorySaver,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { describe, expect, test } from "vitest";

import { withMiddleware } from "../src/index.ts";
import { NATIVE_AGENTS, REACT_AGENTS } from "./support/agents.ts";
import { bare, historyOf, thread, watched } from "./support/both.ts";
import type { Build, TestGraph } from "./support/both.ts";
import { createKit } from "./support/kit.ts";
import { NESTED_GRAPHS } from "./support/nested-graphs.ts";
import { plain } from "./support/plain.ts";
import { spyMiddleware } from "./support/spy.ts";
import { STATE_GRAPHS } from "./support/state-graphs.ts";

const KINDS = [...STATE_GRAPHS, ...NESTED_GRAPHS, ...REACT_AGENTS, ...NATIVE_AGENTS];

interface Drawable {
  getGraphAsync(config?: object): Promise<{ drawMermaid(): string }>;
  getSubgraphsAsync(namespace?: string, recurse?: boolean): AsyncGenerator<[string, unknown]>;
  getName(): string;
}

async function subgraphNames(graph: TestGraph): Promise<string[]> {
  const names: string[] = [];
  const subgraphs = (graph as unknown as Drawable).getSubgraphsAsync(undefined, true);
  for await (const [name] of subgraphs) names.push(name);
  return names;
}

describe.each(KINDS)("$title", ({ build }) => {
  test("stays a compiled graph that looks like the bare one", async () => {
    const [one, two] = [bare(build).graph, watched(build).graph];
    expect(two).toBeInstanceOf(CompiledStateGraph);
    expect(Object.keys(two.nodes)).toEqual(Object.keys(one.nodes));
    expect((two as unknown as Drawable).getName()).toBe((one as unknown as Drawable).getName());
    expect(await subgraphNames(two)).toEqual(await subgraphNames(one));
    const [bareView, view] = await Promise.all(
      [one, two].map((graph) => (graph as unknown as Drawable).getGraphAsync({ xray: true })),
    );
    expect(view?.drawMermaid()).toBe(bareView?.drawMermaid());
  });
});

const counter: Build = (kit) => {
  const model = kit.model(({ messages }) => ({ content: `heard ${messages.at(-1)?.text}` }));
  const count = Annotation<number>({ reducer: (_, next) => next, default: () => 0 });
  const state = Annotation.Root({ text: Annotation<string>, round: count });
  return new StateGraph(state)
    .addNode("agent", async ({ text, round }) => ({
      text: (await model.invoke([new HumanMessage(text)])).text,
      round: round + 1,
    }))
    .addEdge(START, "agent");
};

describe("the graph", () => {
  test("runs a batch as so many runs", async () => {
    const { graph, spy } = watched(counter);
    const inputs = [{ text: "a" }, { text: "b" }, { text: "c" }];
    const configs = ["1", "2", "3"].map((id) => thread(id));
    const results = await graph.batch(inputs, configs as unknown as Record<string, unknown>);
    expect(results.map(({ text }) => text)).toEqual(["heard a", "heard b", "heard c"]);
    expect(new Set(spy.runs).size).toBe(3);
    expect(spy.outcomes).toEqual(["completed", "completed", "completed"]);
  });

  test("keeps its middleware through withConfig", async () => {
    const { graph, spy } = watched(counter);
    const configured = graph.withConfig(thread("here", { tags: ["mine"] }));
    expect(configured).toBeInstanceOf(CompiledStateGraph);
    expect(await configured.invoke({ text: "a" })).toEqual({ text: "heard a", round: 1 });
    expect(spy.models).toEqual(["agent#0"]);
    expect((await graph.getState(thread("here"))).values).toEqual({ text: "heard a", round: 1 });
  });

  test("keeps its middleware in a sequence", async () => {
    const { graph, spy } = watched(counter, { checkpointer: false });
    const sequence = RunnableLambda.from((text: string) => ({ text })).pipe(
      graph as unknown as RunnableLambda<{ text: string }, { text: string }>,
    );
    expect(await sequence.invoke("a")).toEqual({ text: "heard a", round: 1 });
    expect(spy.models).toHaveLength(1);
  });

  test("keeps two threads that run at once apart", async () => {
    const { graph, spy } = watched(counter);
    const results = await Promise.all(
      ["one", "two"].map((id) => graph.invoke({ text: id }, thread(id))),
    );
    expect(results.map(({ text }) => text)).toEqual(["heard one", "heard two"]);
    expect(new Set(spy.runs).size).toBe(2);
  });

  test("shares nothing with the graph it was made of", async () => {
    const kit = createKit(true);
    const builder = counter(kit) as StateGraph<object>;
    const checkpointer = new MemorySaver();
    const original = builder.compile({ checkpointer }) as unknown as TestGraph;
    const before = Object.keys((original as unknown as { channels: object }).channels);
    const spy = spyMiddleware();
    withMiddleware(original, [spy.middleware]);
    withMiddleware(builder, [spyMiddleware("other").middleware]);
    expect(await original.invoke({ text: "a" }, thread())).toEqual({ text: "heard a", round: 1 });
    expect(Object.keys((original as unknown as { channels: object }).channels)).toEqual(before);
    expect(spy.runs).toEqual([]);
    const saved = await checkpointer.getTuple(thread());
    expect(JSON.stringify(saved)).not.toMatch(/"_(spy|spyThread|execution)"/);
  });

  test("takes several stacks around one builder", async () => {
    const kit = createKit(true);
    const builder = counter(kit);
    const [one, two] = [spyMiddleware("one"), spyMiddleware("two")];
    const first = withMiddleware(builder, [one.middleware]) as unknown as TestGraph;
    const second = withMiddleware(builder, [two.middleware]) as unknown as TestGraph;
    await first.invoke({ text: "a" });
    await second.invoke({ text: "b" });
    expect([one.models.length, two.models.length]).toEqual([1, 1]);
  });

  test("can be taken out again: the bare graph goes on with the same thread", async () => {
    const { graph, kit } = watched(counter);
    await graph.invoke({ text: "a" }, thread());
    const original = (counter(createKit(false)) as StateGraph<object>).compile({
      checkpointer: kit.checkpointer,
    }) as unknown as TestGraph;
    expect((await original.getState(thread())).values).toEqual({ text: "heard a", round: 1 });
    expect(await original.invoke({ text: "b" }, thread())).toEqual({ text: "heard b", round: 2 });
    expect(plain(await historyOf(original, thread()))).toHaveLength(6);
  });

  test("gives the recursion limit and its error to the caller", async () => {
    const loop: Build = (kit) => {
      const model = kit.model(() => ({ content: "again" }));
      return new StateGraph(Annotation.Root({ text: Annotation<string> }))
        .addNode("agent", async () => ({ text: (await model.invoke("go on")).text }))
        .addEdge(START, "agent")
        .addConditionalEdges("agent", () => "agent", ["agent"]);
    };
    const [one, two] = [bare(loop), watched(loop)];
    const failures = await Promise.all(
      [one.graph, two.graph].map((graph) =>
        graph
          .invoke({ text: "" }, thread("t", { recursionLimit: 4 }))
          .catch((error: Error) => [error.name, error.message]),
      ),
    );
    expect(failures[1]).toEqual(failures[0]);
    expect(two.kit.modelCalls()).toBe(one.kit.modelCalls());
  });
});
