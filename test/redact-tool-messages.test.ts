import { defineMiddleware, withMiddleware, wrapModel } from "@evenkeel/core";
import type { WithMiddlewareOptions } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { Command, MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, createReactAgent, toolsCondition } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const THROWN = `sk-${"Thr0wn00001".repeat(3)}`;
const GIVEN = `ghp_${"G1ven00000".repeat(3)}123456`;
const SHAPES = ["StateGraph", "createReactAgent", "createAgent"] as const;

const tools = [
  tool(
    (): string => {
      throw new Error(`401 for ${THROWN}`);
    },
    { name: "denied", description: "Fails", schema: z.object({}) },
  ),
  tool(() => JSON.stringify({ token: GIVEN, rows: [1, 2] }), {
    name: "list",
    description: "Lists",
    schema: z.object({}),
  }),
];

async function play(shape: (typeof SHAPES)[number], options: WithMiddlewareOptions) {
  const model = scriptedModel([
    { toolCalls: ["denied", "list"].map((name) => ({ name, args: {} })) },
    { content: "Done." },
  ]);
  const checkpointer = new MemorySaver();
  const stack = [defineMiddleware({ name: "idleMiddleware", options: {} })];
  const wrapped = wrapModel(model);
  const graphOf = () => {
    if (shape === "createAgent") {
      return withMiddleware(createAgent({ model, tools, checkpointer }), stack, options);
    }
    if (shape === "createReactAgent") {
      return withMiddleware(
        createReactAgent({ llm: wrapped, tools, checkpointer }),
        stack,
        options,
      );
    }
    const builder = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({
        messages: [await wrapped.bindTools(tools).invoke(messages)],
      }))
      .addNode("tools", new ToolNode(tools))
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "agent");
    return withMiddleware(builder.compile({ checkpointer }), stack, options);
  };
  const config = { configurable: { thread_id: "t" }, streamMode: ["values", "updates", "tasks"] };
  const seen: unknown[] = [];
  const input = { messages: [new HumanMessage("Please.")] };
  for await (const chunk of await graphOf().stream(input, config as never)) seen.push(chunk);
  for await (const tuple of checkpointer.list(config)) seen.push(tuple);
  const told = (model.calls[1]?.messages ?? []) as BaseMessage[];
  return { text: JSON.stringify([seen, told]), told };
}

describe.each(SHAPES)("secrets in tool messages of a %s", (shape) => {
  test("stay as they are by default", async () => {
    const { text } = await play(shape, {});
    expect([text.includes(THROWN), text.includes(GIVEN)]).toEqual([true, true]);
  });

  test('of errors are masked with "errors", in checkpoint, streams and request', async () => {
    const { text, told } = await play(shape, { redactToolMessages: "errors" });
    expect([text.includes(THROWN), text.includes(GIVEN)]).toEqual([false, true]);
    expect(text).toContain("401 for [redacted]");
    const asked = told.flatMap((message) => ("tool_call_id" in message ? [message] : []));
    expect(new Set(asked.map(({ name }) => name))).toEqual(new Set(["denied", "list"]));
  });

  test('of results too with "all", and what is no secret stays', async () => {
    const { text, told } = await play(shape, { redactToolMessages: "all" });
    expect([text.includes(THROWN), text.includes(GIVEN)]).toEqual([false, false]);
    expect(told.find(({ name }) => name === "list")?.text).toContain('"rows":[1,2]');
  });
});

test("what a Command of a node carries is masked, and its way stays", async () => {
  const checkpointer = new MemorySaver();
  const message = { role: "tool", tool_call_id: "1", content: `for ${GIVEN}`, name: "list" };
  const { ToolMessage } = await import("@langchain/core/messages");
  const graph = withMiddleware(
    new StateGraph(MessagesAnnotation)
      .addNode(
        "first",
        () => new Command({ goto: "last", update: { messages: [new ToolMessage(message)] } }),
        { ends: ["last"] },
      )
      .addNode("last", () => ({}))
      .addEdge(START, "first")
      .compile({ checkpointer }),
    [],
    { redactToolMessages: "all" },
  );
  const result = await graph.invoke({ messages: [] }, { configurable: { thread_id: "c" } });
  expect(result.messages.map(({ text }) => text)).toEqual(["for [redacted]"]);
});

test("anything else is refused", () => {
  const graph = new StateGraph(MessagesAnnotation).addNode("a", () => ({})).addEdge(START, "a");
  expect(() => withMiddleware(graph, [], { redactToolMessages: true as never })).toThrow(
    '"redactToolMessages" must be "none", "errors" or "all"; true came',
  );
});
