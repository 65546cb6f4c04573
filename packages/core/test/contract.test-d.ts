import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { CompiledStateGraph } from "@langchain/langgraph";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent, modelRetryMiddleware } from "langchain";
import { expectTypeOf, test } from "vitest";

import { defineMiddleware, withMiddleware, wrapModel, wrapTools } from "../src/index.ts";

const mine = defineMiddleware({ name: "mine", options: { level: 3 } });
const builder = new StateGraph(MessagesAnnotation)
  .addNode("agent", () => ({ messages: [] }))
  .addEdge(START, "agent");

test("createAgent takes a middleware of ours as it is", () => {
  createAgent({ model: "openai:gpt-5.2", tools: [], middleware: [mine] });
});

test("withMiddleware takes ours and LangChain's in one stack", () => {
  withMiddleware(builder, [mine, modelRetryMiddleware()]);
});

test("a graph with middleware has the type of the graph without", () => {
  const bare = builder.compile();
  expectTypeOf(withMiddleware(bare)).toEqualTypeOf(bare);
  expectTypeOf(withMiddleware(builder)).toEqualTypeOf<ReturnType<typeof builder.compile>>();
  expectTypeOf(withMiddleware(bare)).toExtend<
    { invoke: CompiledStateGraph<unknown, unknown>["invoke"] } | object
  >();
});

test("a graph with an agent's type has the agent's state", () => {
  const agent = createAgent({ model: "openai:gpt-5.2", tools: [] });
  expectTypeOf(withMiddleware(agent)).toExtend<(typeof agent)["graph"]>();
});

test("wrapping keeps the type of what is wrapped", () => {
  expectTypeOf(wrapModel(new ChatOpenAI())).toEqualTypeOf<ChatOpenAI>();
  const tools = [{ name: "a", invoke: () => Promise.resolve(1) }] as const;
  expectTypeOf(wrapTools(tools)).toEqualTypeOf<typeof tools>();
});

test("hooks get their options typed", () => {
  defineMiddleware({
    name: "typed",
    options: { maxCalls: 3 },
    wrapToolCall: (request, handler, { options }) => {
      expectTypeOf(options.maxCalls).toExtend<number>();
      return handler(request);
    },
  });
});
