import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { scriptedModel } from "../../testing/src/model/scripted-model.ts";
import {
  defineMiddleware,
  isEvenkeelMiddleware,
  withMiddleware,
  wrapModel,
  wrapTools,
} from "../src/index.ts";
import type { Middleware, MiddlewareDefinition, RunRequest } from "../src/index.ts";

const NAME = "subjectMiddleware";
const CONFIG = { configurable: { thread_id: "thread" } };
const input = (text: string): { messages: HumanMessage[] } => ({
  messages: [new HumanMessage({ id: text, content: text })],
});

type Definition = Omit<MiddlewareDefinition<object>, "name" | "options">;
const subject = (definition: Definition): Middleware =>
  defineMiddleware({ name: NAME, options: {}, ...definition });

const add = tool(({ a, b }: { a: number; b: number }) => String(a + b), {
  name: "add",
  description: "adds",
  schema: z.object({ a: z.number(), b: z.number() }),
});
const model = (): ReturnType<typeof scriptedModel> =>
  scriptedModel([
    { toolCalls: [{ name: "add", args: { a: 1, b: 2 } }] },
    { content: "It is three." },
  ]);

/** A loop of a model and a tool node, with the middleware. */
function graphOf(
  middleware: readonly Middleware[],
  { checkpointer = new MemorySaver(), tools = [add] } = {},
): ReturnType<typeof withMiddleware<ReturnType<typeof builderOf>>> {
  return withMiddleware(builderOf(tools), middleware, { checkpointer });
}

function builderOf(tools: (typeof add)[]) {
  const bound = wrapModel(model()).bindTools(tools);
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await bound.invoke(messages)] }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent");
}

describe("what is made", () => {
  test("is a plain object with LangChain's hooks that were given, and no others", () => {
    const toolsOnly = subject({ wrapToolCall: (request, handler) => handler(request) });
    const runOnly = subject({ wrapRun: (request, handler) => handler(request) });
    expect(Object.keys(toolsOnly)).toEqual(["name", "wrapToolCall", "~evenkeel"]);
    expect(Object.keys(runOnly)).toEqual(["name", "~evenkeel"]);
    expect(Object.getPrototypeOf(toolsOnly)).toBe(Object.prototype);
  });

  test("is told from other objects", () => {
    expect(isEvenkeelMiddleware(subject({}))).toBe(true);
    for (const other of [null, 1, {}, { name: NAME }, { "~evenkeel": {} }, { "~evenkeel": 1 }]) {
      expect(isEvenkeelMiddleware(other)).toBe(false);
    }
  });

  test("records its options as JSON, a function by name and source", () => {
    const options = { limit: 3, ratio: Infinity, price: 1n, pattern: /x/, retryOn: () => true };
    const { recordedOptions } = defineMiddleware({ name: NAME, options })["~evenkeel"];
    expect(recordedOptions).toMatchObject({
      limit: 3,
      ratio: { "~number": "Infinity" },
      price: { "~bigint": "1" },
      pattern: { "~regexp": "/x/" },
      retryOn: { "~function": "retryOn", source: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(JSON.parse(JSON.stringify(recordedOptions))).toEqual(recordedOptions);
  });
});

describe("a definition is refused with a coded error", () => {
  test.for([
    ["without a name", { options: {} }, "invalid-middleware", "`name`"],
    ["with an empty name", { name: "", options: {} }, "invalid-middleware", "`name`"],
    ["without options", { name: NAME }, "invalid-middleware", "`options` of subjectMiddleware"],
    ["with another mode", { name: NAME, options: {}, mode: "on" }, "invalid-options", '"on" came'],
    [
      "with a public channel",
      { name: NAME, options: {}, state: { seen: {} } },
      "invalid-middleware",
      '"seen"',
    ],
    [
      "with a reserved channel",
      { name: NAME, options: {}, state: { __seen: {} } },
      "invalid-middleware",
      '"__seen"',
    ],
  ] as const)("%s", ([, definition, code, says]) => {
    expect(() => defineMiddleware(definition as never)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(says) }),
    );
  });
});

describe("a call", () => {
  test("passes a middleware once, although its tool is wrapped and its node is recognised", async () => {
    const calls: string[] = [];
    const counting = subject({
      wrapToolCall: (request, handler) => {
        calls.push(request.toolCall.name);
        return handler(request);
      },
    });
    await graphOf([counting], { tools: [...wrapTools([add])] }).invoke(input("1 + 2?"), CONFIG);
    expect(calls).toEqual(["add"]);
  });

  test("is made under the options its execution began with", async () => {
    const seen: unknown[] = [];
    const frozen = defineMiddleware({
      name: NAME,
      options: { limit: 3 },
      wrapRun: (request: RunRequest, handler) => {
        request.freezeOptions(NAME, { limit: 1 });
        return handler(request);
      },
      wrapToolCall: (request, handler, { options }) => {
        seen.push(options.limit);
        return handler(request);
      },
    });
    await graphOf([frozen]).invoke(input("1 + 2?"), CONFIG);
    expect(seen).toEqual([1]);
  });

  test("has the memory of its run, which the next run does not have", async () => {
    const seen: unknown[] = [];
    const counting = subject({
      wrapModelCall: (request, handler, { memory }) => {
        const calls = Number(memory.get("calls") ?? 0) + 1;
        memory.set("calls", calls);
        seen.push(calls);
        return handler(request);
      },
    });
    const graph = graphOf([counting]);
    await graph.invoke(input("1 + 2?"), CONFIG);
    await graph.invoke(input("Again?"), CONFIG);
    expect(seen).toEqual([1, 2, 1, 2]);
  });
});

describe("private state", () => {
  const noting = (reset: "execution" | "never"): Middleware =>
    subject({
      state: { _notes: { reset } },
      wrapModelCall: (request, handler, { state }) => {
        const count = Object.keys(state.read("_notes")).length;
        state.write("_notes", { [`note ${count}`]: request.messages.length });
        return handler(request);
      },
    });
  const notesAfterTwoRuns = async (middleware: Middleware): Promise<unknown> => {
    const checkpointer = new MemorySaver();
    const graph = graphOf([middleware], { checkpointer });
    await graph.invoke(input("1 + 2?"), CONFIG);
    await graph.invoke(input("Again?"), CONFIG);
    const tuple = await checkpointer.getTuple(CONFIG);
    return Object(tuple?.checkpoint.channel_values["_notes"]).d as unknown;
  };

  test("is empty for a new execution", async () => {
    expect(await notesAfterTwoRuns(noting("execution"))).toEqual({ "note 0": 5, "note 1": 7 });
  });

  test("that is never reset stays with the thread", async () => {
    expect(await notesAfterTwoRuns(noting("never"))).toEqual({
      "note 0": 1,
      "note 1": 3,
      "note 2": 5,
      "note 3": 7,
    });
  });

  test("of an undeclared channel is a coded error that names it", async () => {
    const stranger = subject({
      state: { _notes: {} },
      wrapModelCall: (request, handler, { state }) => {
        state.write("_other", { seen: true });
        return handler(request);
      },
    });
    await expect(graphOf([stranger]).invoke(input("1 + 2?"), CONFIG)).rejects.toMatchObject({
      code: "state-not-declared",
      middleware: NAME,
      message: expect.stringContaining("_notes"),
    });
  });

  test("of a release to come is refused before anything runs", async () => {
    const checkpointer = new MemorySaver();
    await graphOf([noting("never")], { checkpointer }).invoke(input("1 + 2?"), CONFIG);
    const tuple = await checkpointer.getTuple(CONFIG);
    if (tuple?.metadata === undefined) throw new Error("the run left no checkpoint");
    const { checkpoint, metadata, parentConfig = CONFIG } = tuple;
    const values = { ...checkpoint.channel_values, _notes: { v: 2, entries: [] } };
    await checkpointer.put(parentConfig, { ...checkpoint, channel_values: values }, metadata);

    // It would only ever write: nothing but the start of the run sees what is there.
    const writing = subject({
      state: { _notes: { reset: "never" } },
      wrapModelCall: (request, handler, { state }) => {
        state.write("_notes", { here: true });
        return handler(request);
      },
    });
    await expect(
      graphOf([writing], { checkpointer }).invoke(input("Again?"), CONFIG),
    ).rejects.toMatchObject({ code: "state-version-unsupported" });
    const after = await checkpointer.getTuple(CONFIG);
    expect(after?.checkpoint.id).toBe(checkpoint.id);
    expect(after?.checkpoint.channel_values["_notes"]).toEqual({ v: 2, entries: [] });
  });

  test("of a release to come is left alone by a middleware that is off", async () => {
    const checkpointer = new MemorySaver();
    await graphOf([noting("never")], { checkpointer }).invoke(input("1 + 2?"), CONFIG);
    const tuple = await checkpointer.getTuple(CONFIG);
    if (tuple?.metadata === undefined) throw new Error("the run left no checkpoint");
    const { checkpoint, metadata, parentConfig = CONFIG } = tuple;
    const values = { ...checkpoint.channel_values, _notes: { v: 2, entries: [] } };
    await checkpointer.put(parentConfig, { ...checkpoint, channel_values: values }, metadata);

    const off = subject({ mode: "off", state: { _notes: { reset: "never" } } });
    await graphOf([off], { checkpointer }).invoke(input("Again?"), CONFIG);
    const after = await checkpointer.getTuple(CONFIG);
    expect(after?.checkpoint.channel_values["_notes"]).toEqual({ v: 2, entries: [] });
  });
});

describe("natively in createAgent", () => {
  const agent = (middleware: Middleware) =>
    createAgent({
      model: model(),
      tools: [add],
      middleware: [middleware],
      checkpointer: new MemorySaver(),
    });

  test("its hooks run, and know that nobody else is there", async () => {
    const native: boolean[] = [];
    const looking = subject({
      wrapModelCall: (request, handler, context) => {
        native.push(context.native);
        return handler(request);
      },
    });
    await agent(looking).invoke(input("1 + 2?"), CONFIG);
    await withMiddleware(agent(looking)).invoke(input("1 + 2?"), CONFIG);
    expect(native).toEqual([true, true, false, false]);
  });

  test("one that needs the run seam says so at its first call", async () => {
    const needy = subject({
      needs: { run: true },
      wrapModelCall: (request, handler) => handler(request),
    });
    await expect(agent(needy).invoke(input("1 + 2?"), CONFIG)).rejects.toMatchObject({
      cause: { code: "run-seam-required", middleware: NAME },
    });
    const wrapped = withMiddleware(agent(needy)).invoke(input("1 + 2?"), CONFIG);
    await expect(wrapped).resolves.toHaveProperty("messages");
  });

  test("state around tool calls is refused, which LangChain cannot carry", async () => {
    const noting = subject({
      state: { _notes: {} },
      wrapToolCall: (request, handler, { state }) => {
        state.write("_notes", { seen: true });
        return handler(request);
      },
    });
    const failure: unknown = await agent(noting).invoke(input("1 + 2?"), CONFIG).catch(String);
    expect(failure).toContain("withMiddleware(createAgent(");
  });
});
