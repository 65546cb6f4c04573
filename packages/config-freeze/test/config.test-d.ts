import { withMiddleware } from "@evenkeel/core";
import type { Middleware } from "@evenkeel/core";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { createAgent } from "langchain";
import { expectTypeOf, test } from "vitest";
import { z } from "zod";

import { configFreezeMiddleware } from "../src/index.ts";
import type { ConfigFreezeMiddleware, ConfigRequest, DriftAnswer } from "../src/index.ts";

test("the accessor has the type of the config function's value", () => {
  const freeze = configFreezeMiddleware({ config: () => ({ tone: "kind", most: 3 }) });
  expectTypeOf(freeze.config()).toEqualTypeOf<{ tone: string; most: number }>();
  const awaited = configFreezeMiddleware({ config: async () => ({ tone: "kind" }) });
  expectTypeOf(awaited.config()).toEqualTypeOf<{ tone: string }>();
});

test("the accessor has the output type of a Standard Schema", () => {
  const schema = z.object({ tone: z.enum(["kind", "strict"]), most: z.number().default(3) });
  const freeze = configFreezeMiddleware({ config: schema });
  expectTypeOf(freeze.config()).toEqualTypeOf<{ tone: "kind" | "strict"; most: number }>();
});

test("the accessor gives null without config, and what was named explicitly", () => {
  expectTypeOf(configFreezeMiddleware().config()).toEqualTypeOf<null>();
  expectTypeOf(configFreezeMiddleware({ onDrift: "warn" }).config()).toEqualTypeOf<null>();
  interface Policy {
    tone: "kind" | "strict";
  }
  const freeze = configFreezeMiddleware<Policy>({ config: () => ({ tone: "kind" }) });
  expectTypeOf(freeze).toEqualTypeOf<ConfigFreezeMiddleware<Policy>>();
});

test("config is asked with context, configurable and thread", () => {
  configFreezeMiddleware({
    config: (request) => {
      expectTypeOf(request).toEqualTypeOf<ConfigRequest>();
      expectTypeOf(request.threadId).toEqualTypeOf<string | null>();
      return { plan: request.configurable["plan"] };
    },
  });
});

test("onDrift answers with one of three words", () => {
  configFreezeMiddleware({
    onDrift: ({ where, differences }) => {
      expectTypeOf(where).toEqualTypeOf<string>();
      expectTypeOf(differences[0]?.field).toEqualTypeOf<string | undefined>();
      return "warn";
    },
  });
  // @ts-expect-error another word is refused
  configFreezeMiddleware({ onDrift: () => "ignore" });
  expectTypeOf<DriftAnswer>().toEqualTypeOf<"use-frozen" | "warn" | "error">();
});

test("unknown options and wrong types do not compile", () => {
  // @ts-expect-error an option that does not exist
  configFreezeMiddleware({ confg: () => ({}) });
  // @ts-expect-error a bare object is no source of configuration
  configFreezeMiddleware({ config: { tone: "kind" } });
  // @ts-expect-error names come in a list
  configFreezeMiddleware({ revoke: { tools: "refund" } });
});

test("it is a middleware for withMiddleware and for createAgent", () => {
  const freeze = configFreezeMiddleware({ config: () => ({ tone: "kind" }) });
  expectTypeOf(freeze).toExtend<Middleware>();
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("node", async () => ({}))
    .addEdge(START, "node")
    .compile();
  expectTypeOf(withMiddleware(graph, [freeze])).toEqualTypeOf(graph);
  createAgent({ model: "openai:gpt-5.2", middleware: [freeze] });
});
