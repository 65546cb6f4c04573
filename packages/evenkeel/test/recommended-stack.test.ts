import { memoryStore, withMiddleware, wrapModel } from "@evenkeel/core";
import type { AnyMiddleware } from "@evenkeel/core";
import { failureRetryMiddleware } from "@evenkeel/failure-retry";
import { scriptedModel } from "@evenkeel/testing";
import type { ScriptedTurn } from "@evenkeel/testing";
import { toolIdempotencyMiddleware } from "@evenkeel/tool-idempotency";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { AIMessage, BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { END, MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, createReactAgent } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { recommendedStack } from "../src/index.ts";
import type { RecommendedStackOptions } from "../src/index.ts";

const ORDER = [
  "configFreezeMiddleware",
  "runFlagsMiddleware",
  "loopDetectionMiddleware",
  "toolResultOffloadMiddleware",
  "failureRetryMiddleware",
  "budgetMiddleware",
  "circuitBreakerMiddleware",
  "toolIdempotencyMiddleware",
];

const TURNS: ScriptedTurn[] = [
  { toolCalls: [{ id: "1", name: "look_up", args: { id: "A1" } }] },
  {
    toolCalls: [
      { id: "2", name: "refund", args: { amount: 20 } },
      { id: "3", name: "look_up", args: { id: "A2" } },
    ],
  },
  { content: "Refunded." },
];

interface Shop {
  readonly refunds: number[];
  readonly saver: MemorySaver;
  build(stack: readonly AnyMiddleware[] | undefined): {
    invoke(input: object, config: object): Promise<{ messages: BaseMessage[] }>;
  };
}

const SHAPES = ["StateGraph", "createReactAgent", "createAgent"] as const;

function shop(shape: (typeof SHAPES)[number]): Shop {
  const refunds: number[] = [];
  const saver = new MemorySaver();
  const tools = [
    tool(({ id }) => `${id}: ${"line ".repeat(10_000)}`, {
      name: "look_up",
      description: "Looks an order up.",
      schema: z.object({ id: z.string() }),
    }),
    tool(({ amount }) => `refund ${refunds.push(amount)}`, {
      name: "refund",
      description: "Refunds.",
      schema: z.object({ amount: z.number() }),
    }),
  ];
  const compiled = (wrapped: boolean): object => {
    const scripted = scriptedModel(TURNS);
    const model = wrapped ? wrapModel(scripted) : scripted;
    if (shape === "createAgent")
      return createAgent({ model: scripted, tools, checkpointer: saver });
    if (shape === "createReactAgent") {
      return createReactAgent({ llm: model, tools, checkpointer: saver });
    }
    return new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({
        messages: [await model.bindTools(tools).invoke(messages)],
      }))
      .addNode("tools", new ToolNode(tools))
      .addEdge(START, "agent")
      .addConditionalEdges("agent", ({ messages }) =>
        (messages.at(-1) as AIMessage).tool_calls?.length ? "tools" : END,
      )
      .addEdge("tools", "agent")
      .compile({ checkpointer: saver });
  };
  return {
    refunds,
    saver,
    build: (stack) =>
      (stack === undefined ? compiled(false) : withMiddleware(compiled(true), stack)) as ReturnType<
        Shop["build"]
      >,
  };
}

async function checkpointsOf(saver: MemorySaver): Promise<{ step: unknown; source: unknown }[]> {
  const seen: { step: unknown; source: unknown }[] = [];
  for await (const { metadata } of saver.list({ configurable: { thread_id: "1" } })) {
    seen.push({ step: metadata?.step, source: metadata?.source });
  }
  return seen;
}

/** The warnings of Evenkeel that a piece of work gives rise to. */
async function warningsOf(work: () => unknown): Promise<string[]> {
  const heard: string[] = [];
  const hear = (warning: Error & { code?: string }): void => {
    if (warning.code === "EVENKEEL_MIDDLEWARE_ORDER") heard.push(warning.message);
  };
  process.on("warning", hear);
  await work();
  await new Promise((later) => setImmediate(later));
  process.off("warning", hear);
  return heard;
}

const input = (): object => ({ messages: [new HumanMessage("refund A1")] });
const config = { configurable: { thread_id: "1" }, durability: "sync" };
const all = (more: Partial<RecommendedStackOptions> = {}): RecommendedStackOptions => ({
  store: memoryStore(),
  toolIdempotency: { tools: { look_up: "pure", refund: "once" } },
  ...more,
});

test("the stack is in the order in which every promise holds, and a graph takes it without a warning", async () => {
  const stack = recommendedStack(all());
  expect(stack.map(({ name }) => name)).toEqual(ORDER);
  expect(await warningsOf(() => shop("StateGraph").build(stack))).toEqual([]);
});

test("an order that breaks a promise is a warning at construction that says which and why", async () => {
  const ledger = toolIdempotencyMiddleware({ store: memoryStore() });
  const stack = [ledger, failureRetryMiddleware()];
  const [warning, ...more] = await warningsOf(() => shop("StateGraph").build(stack));
  expect(warning).toContain("failureRetryMiddleware must stand before toolIdempotencyMiddleware");
  expect(warning).toContain("must pass the ledger each time");
  expect(more).toEqual([]);
});

test("every pair stands in one order only where a promise asks for it, and then in that of the stack", async () => {
  const stack = recommendedStack(all());
  for (const [at, outer] of stack.entries()) {
    for (const inner of stack.slice(at + 1)) {
      const right = await warningsOf(() => shop("StateGraph").build([outer, inner]));
      expect(right, `${outer.name}, ${inner.name}`).toEqual([]);
    }
  }
});

test("false leaves one out, options of one reach it alone, the mode reaches all", () => {
  const stack = recommendedStack(
    all({ mode: "observe", runFlags: false, loopDetection: { steerAfter: 2, mode: "off" } }),
  );
  expect(stack.map(({ name }) => name)).toEqual(
    ORDER.filter((name) => name !== "runFlagsMiddleware"),
  );
  const modes = stack.map((middleware) => middleware["~evenkeel"].definition.mode);
  expect(modes).toEqual(ORDER.slice(1).map((_, at) => (at === 1 ? "off" : "observe")));
});

test.each([
  [{}, "`store` must hold every store"],
  [{ store: memoryStore(), budgets: {} }, 'unknown option "budgets"; allowed are store, mode'],
  [null, "options must be an object"],
])("options %j are refused with a code", (options, message) => {
  expect(() => recommendedStack(options as never)).toThrow(
    expect.objectContaining({
      code: "invalid-options",
      message: expect.stringContaining(message),
    }) as Error,
  );
});

describe.each(SHAPES)("with everything on, a %s", (shape) => {
  test("has the supersteps and checkpoints of the bare graph, and its answer", async () => {
    const bare = shop(shape);
    const full = shop(shape);
    const expected = await bare.build(undefined).invoke(input(), config);
    const result = await full.build(recommendedStack(all())).invoke(input(), config);
    expect(await checkpointsOf(full.saver)).toEqual(await checkpointsOf(bare.saver));
    expect(result.messages.map(({ type }) => type)).toEqual(
      expected.messages.map(({ type }) => type),
    );
    expect(result.messages.at(-1)?.text).toBe("Refunded.");
    expect(full.refunds).toEqual([20]);
    const looked = result.messages.filter(
      (message): message is ToolMessage =>
        ToolMessage.isInstance(message) && message.name === "look_up",
    );
    // What is large is a preview with everything on too.
    expect(looked.map(({ text }) => text.length < 10_000)).toEqual([true, true]);
  });

  test("in observe says what the bare graph says, byte for byte", async () => {
    const bare = shop(shape);
    const full = shop(shape);
    const expected = await bare.build(undefined).invoke(input(), config);
    const result = await full
      .build(recommendedStack(all({ mode: "observe" })))
      .invoke(input(), config);
    const plain = ({ messages }: { messages: BaseMessage[] }): unknown[] =>
      messages.map((message) => ({ type: message.type, content: message.content }));
    expect(plain(result)).toEqual(plain(expected));
    expect(await checkpointsOf(full.saver)).toEqual(await checkpointsOf(bare.saver));
  });
});
