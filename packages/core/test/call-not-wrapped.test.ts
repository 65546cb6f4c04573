import { HumanMessage } from "@langchain/core/messages";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, createReactAgent, toolsCondition } from "@langchain/langgraph/prebuilt";
import { createDeepAgent } from "deepagents";
import { createAgent } from "langchain";
import { describe, expect, test } from "vitest";

import { CoreError, defineMiddleware, withMiddleware } from "../src/index.ts";
import type { EvenkeelEvent } from "../src/index.ts";
import { collect, thread, watched } from "./support/both.ts";
import type { Build, TestGraph } from "./support/both.ts";
import { createKit } from "./support/kit.ts";
import { innerAgent } from "./support/nested-graphs.ts";

const INPUT = { messages: [new HumanMessage({ content: "Where is order 7?", id: "human-1" })] };

const TURNS = [
  { toolCalls: [{ name: "look_up", args: { order: 7 }, id: "call-1" }] },
  { toolCalls: [{ name: "look_up", args: { order: 8 }, id: "call-2" }] },
  { content: "It was delivered." },
];

/** An agent whose model is not wrapped. */
const bareModel: Build = (kit) => {
  const lookUp = kit.tool("look_up");
  const model = kit.bareModel(TURNS).bindTools([lookUp]);
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addNode("tools", new ToolNode([lookUp]))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent");
};

/** An agent whose tools are called in a hand-written loop. */
function toolLoop(wraps: boolean): Build {
  return (kit) => {
    const lookUp = kit.tool("look_up");
    const [tool = lookUp] = wraps ? kit.wrapTools([lookUp]) : [lookUp];
    const model = kit.model(TURNS).bindTools([tool]);
    return new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addNode("tools", async ({ messages }) => {
        const last = messages.at(-1) as unknown as { tool_calls: { id: string }[] };
        const calls = last.tool_calls.map((call) => ({ ...call, type: "tool_call" as const }));
        return { messages: await Promise.all(calls.map((call) => tool.invoke(call))) };
      })
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "agent");
  };
}

function notWrapped(events: readonly EvenkeelEvent[]): unknown[] {
  return events
    .filter(({ name }) => name === "call-not-wrapped")
    .map(({ node, severity, detail }) => [detail["kind"], node, severity]);
}

describe("a call that passed no middleware", () => {
  test("of a model is reported once per site", async () => {
    const { graph, spy, kit } = watched(bareModel);
    await graph.invoke(INPUT, thread());
    expect(kit.modelCalls()).toBe(3);
    expect(spy.models).toEqual([]);
    expect(notWrapped(spy.events)).toEqual([["model", "agent", "medium"]]);
  });

  test("of a tool is reported once per site", async () => {
    const { graph, spy, kit } = watched(toolLoop(false));
    await graph.invoke(INPUT, thread());
    expect(kit.toolRuns).toHaveLength(2);
    expect(spy.tools).toEqual([]);
    expect(notWrapped(spy.events)).toEqual([["tool", "tools", "medium"]]);
  });

  test("in a graph called by a function node is reported with its place", async () => {
    const { graph, spy } = watched((kit) => {
      const inner = innerAgent(kit);
      return new StateGraph(MessagesAnnotation)
        .addNode("helper", async (state) => ({ messages: (await inner.invoke(state)).messages }))
        .addEdge(START, "helper");
    });
    await graph.invoke(INPUT, thread());
    expect(notWrapped(spy.events)).toEqual([["tool", "helper|tools", "medium"]]);
  });

  test("in a subagent's tools is reported", async () => {
    const { graph, spy } = watched(
      (kit) =>
        createDeepAgent({
          model: kit.model([
            {
              toolCalls: [
                {
                  name: "task",
                  args: { subagent_type: "clerk", description: "look it up" },
                  id: "call-task",
                },
              ],
            },
            { content: "It was delivered." },
          ]),
          subagents: [
            {
              name: "clerk",
              description: "Looks orders up.",
              systemPrompt: "You look orders up.",
              model: kit.bareModel(TURNS),
              tools: [kit.tool("look_up")],
            },
          ],
          checkpointer: kit.checkpointer,
        }) as object,
    );
    await graph.invoke(INPUT, thread());
    const seen = notWrapped(spy.events) as [string, string, string][];
    expect(seen.map(([kind]) => kind).toSorted()).toEqual(["model", "tool"]);
  });

  test("travels in the custom stream of its node", async () => {
    const { graph } = watched(bareModel);
    const chunks = await collect(
      await graph.stream(INPUT, thread("thread-1", { streamMode: "custom" })),
    );
    expect(chunks).toMatchObject([{ type: "evenkeel", event: { name: "call-not-wrapped" } }]);
  });

  test("is an error under strict", async () => {
    const { graph, kit } = watched(bareModel, { strict: true });
    await expect(graph.invoke(INPUT, thread())).rejects.toMatchObject({
      code: "call-not-wrapped",
      details: { kind: "model", node: "agent" },
    });
    expect(kit.modelCalls()).toBe(0);
  });

  test("of a tool is an error under strict, and no answer to the model", async () => {
    const { graph, kit } = watched(toolLoop(false), { strict: true });
    const failure = await graph.invoke(INPUT, thread()).catch((error: unknown) => error);
    expect(CoreError.isInstance(failure, "call-not-wrapped")).toBe(true);
    expect(kit.toolRuns).toEqual([]);
  });

  test("is an error under strict, though a tool node would answer the model with it", async () => {
    const { graph, kit } = watched(
      (parts) => {
        const inner = innerAgent(parts);
        return new StateGraph(MessagesAnnotation)
          .addNode("helper", async (state) => ({ messages: (await inner.invoke(state)).messages }))
          .addEdge(START, "helper");
      },
      { strict: true },
    );
    await expect(graph.invoke(INPUT, thread())).rejects.toMatchObject({
      code: "call-not-wrapped",
      details: { kind: "tool", node: "helper|tools" },
    });
    expect(kit.toolRuns).toEqual([]);
  });

  test("is an error where a middleware fails closed", async () => {
    const kit = createKit(true);
    const guard = defineMiddleware({
      name: "guard",
      options: {},
      failClosed: true,
      wrapToolCall: (request, handler) => handler(request),
    });
    const graph = withMiddleware(toolLoop(false)(kit), [guard]) as unknown as TestGraph;
    await expect(graph.invoke(INPUT)).rejects.toMatchObject({ code: "call-not-wrapped" });
    expect(kit.toolRuns).toEqual([]);
  });

  test("is nobody's business where no middleware wraps calls of its kind", async () => {
    const kit = createKit(true);
    const events: EvenkeelEvent[] = [];
    const tools = defineMiddleware({
      name: "tools",
      options: {},
      wrapToolCall: (request, handler) => handler(request),
    });
    const graph = withMiddleware(bareModel(kit), [tools], {
      strict: true,
      onEvent: (event) => events.push(event),
    }) as unknown as TestGraph;
    await graph.invoke(INPUT);
    expect(events).toEqual([]);
  });
});

describe("a call is not reported", () => {
  test("where wrapTools carries a hand-written loop", async () => {
    const { graph, spy } = watched(toolLoop(true), { strict: true });
    await graph.invoke(INPUT, thread());
    expect(spy.tools).toEqual(["look_up:call-1", "look_up:call-2"]);
    expect(spy.events).toEqual([]);
  });

  test.each([
    {
      title: "createReactAgent with a wrapped model",
      build: (kit: ReturnType<typeof createKit>) =>
        createReactAgent({ llm: kit.model(TURNS), tools: [kit.tool("look_up")] }),
    },
    {
      title: "createAgent with nothing wrapped",
      build: (kit: ReturnType<typeof createKit>) =>
        createAgent({ model: kit.bareModel(TURNS), tools: [kit.tool("look_up")] }),
    },
  ])("by $title under strict", async ({ build }) => {
    const { graph, spy } = watched(build, { strict: true });
    await graph.invoke(INPUT);
    expect(spy.models).toHaveLength(3);
    expect(spy.tools).toHaveLength(2);
    expect(spy.events).toEqual([]);
  });
});
