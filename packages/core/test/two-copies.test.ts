import { HumanMessage } from "@langchain/core/messages";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { beforeEach, describe, expect, test, vi } from "vitest";

import * as core from "../src/index.ts";
import type { TestGraph } from "./support/both.ts";
import { createKit } from "./support/kit.ts";
import type { Kit } from "./support/kit.ts";
import { spyMiddleware } from "./support/spy.ts";

const INPUT = { messages: [new HumanMessage({ content: "Where is order 7?", id: "human-1" })] };

let other: typeof core;
beforeEach(async () => {
  vi.resetModules();
  other = await import("../src/index.ts");
});

function agent(kit: Kit, copy: typeof core): StateGraph<typeof MessagesAnnotation.spec> {
  const lookUp = kit.tool("look_up");
  const scripted = kit.bareModel([
    { toolCalls: [{ name: "look_up", args: { order: 7 }, id: "call-1" }] },
    { content: "It was delivered." },
  ]);
  const model = copy.wrapModel(scripted).bindTools([lookUp]);
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addNode("tools", new ToolNode(copy.wrapTools([lookUp])))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent") as unknown as StateGraph<typeof MessagesAnnotation.spec>;
}

describe("a second installed copy of core", () => {
  test("is another copy", () => {
    expect(other.withMiddleware).not.toBe(core.withMiddleware);
  });

  test("wraps models and tools whose calls meet the first one's middleware, once", async () => {
    const spy = spyMiddleware();
    const graph = core.withMiddleware(agent(createKit(false), other), [spy.middleware], {
      strict: true,
    }) as unknown as TestGraph;
    await graph.invoke(INPUT);
    expect(spy.models).toEqual(["agent#0", "agent#0"]);
    expect(spy.tools).toEqual(["look_up:call-1"]);
  });

  test("takes a middleware of the first one", async () => {
    const spy = spyMiddleware();
    const graph = other.withMiddleware(agent(createKit(false), core), [
      spy.middleware,
    ]) as unknown as TestGraph;
    await graph.invoke(INPUT);
    expect(spy.models).toHaveLength(2);
    expect(spy.tools).toHaveLength(1);
    expect(spy.outcomes).toEqual(["completed"]);
    expect(spy.state).toMatchObject({ run: 1, "model 1": "agent#0" });
  });

  test("wraps a model that the first one wrapped, and its calls pass once", async () => {
    const spy = spyMiddleware();
    const kit = createKit(false);
    const model = other.wrapModel(core.wrapModel(kit.bareModel([{ content: "Hello." }])));
    const graph = core.withMiddleware(
      new StateGraph(MessagesAnnotation)
        .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
        .addEdge(START, "agent"),
      [spy.middleware],
    );
    await graph.invoke(INPUT);
    expect(spy.models).toHaveLength(1);
  });

  test("knows a graph that the first one put middleware around", () => {
    const graph = core.withMiddleware(agent(createKit(false), core), [spyMiddleware().middleware]);
    expect(() => other.withMiddleware(graph, [])).toThrow("has middleware already (spy)");
  });

  test("runs inside a graph of the first one, in one execution", async () => {
    const [outer, inner] = [spyMiddleware("outer"), spyMiddleware("inner")];
    const nested = other.withMiddleware(agent(createKit(false), other), [inner.middleware]);
    const graph = core.withMiddleware(
      new StateGraph(MessagesAnnotation).addNode("helper", nested).addEdge(START, "helper"),
      [outer.middleware],
    ) as unknown as TestGraph;
    await graph.invoke(INPUT);
    expect(outer.runs).toHaveLength(1);
    expect(inner.runs).toEqual([]);
    expect([outer.models.length, inner.models.length]).toEqual([2, 2]);
    expect([outer.tools.length, inner.tools.length]).toEqual([1, 1]);
  });

  test("knows the first one's errors", () => {
    const error = new core.CoreError({ code: "invalid-options", message: "no" });
    expect(other.CoreError.isInstance(error, "invalid-options")).toBe(true);
  });
});
