import { AIMessage, AIMessageChunk, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { ScriptedModel, scriptedModel } from "../src/model/scripted-model.ts";

const search = tool(({ query }) => `results for ${query}`, {
  name: "search",
  description: "Searches",
  schema: z.object({ query: z.string() }),
});

const turns = [
  { content: "Let me look.", toolCalls: [{ name: "search", args: { query: "tides" } }] },
  { content: "The tide is high at noon." },
];

describe("in a graph", () => {
  test("a hand-written loop runs through the tool to the answer, question after question", async () => {
    const model = scriptedModel(turns);
    const bound = model.bindTools([search]);
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({ messages: [await bound.invoke(messages)] }))
      .addNode("tools", new ToolNode([search]))
      .addEdge("__start__", "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "agent")
      .compile();
    const once = await graph.invoke({ messages: [new HumanMessage("When?")] });
    const twice = await graph.invoke({ messages: [...once.messages, new HumanMessage("Sure?")] });
    expect(twice.messages.map(({ type }) => type)).toEqual([
      "human",
      "ai",
      "tool",
      "ai",
      "human",
      "ai",
      "tool",
      "ai",
    ]);
    expect(new Set(twice.messages.map(({ id }) => id)).size).toBe(8);
    expect(model.calls.map(({ index, attempt }) => [index, attempt])).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
    expect(model.calls[0]?.parameters["tools"]).toMatchObject([
      { type: "function", function: { name: "search" } },
    ]);
  });

  test("createAgent takes it, and its tokens reach the messages stream", async () => {
    const agent = createAgent({ model: scriptedModel(turns), tools: [search] });
    const texts: string[] = [];
    const input = { messages: [new HumanMessage("When?")] };
    for await (const [message] of await agent.stream(input, { streamMode: "messages" })) {
      if (AIMessageChunk.isInstance(message) && message.text !== "") texts.push(message.text);
    }
    expect(texts.length).toBeGreaterThan(3);
    expect(texts.join("")).toBe("Let me look.The tide is high at noon.");
  });
});

describe("an answer", () => {
  test("is the same whole and streamed, but for its ids", async () => {
    const model = scriptedModel([{ ...turns[0], usage: { cachedTokens: 2, reasoningTokens: 3 } }]);
    const whole = await model.bindTools([search]).invoke("When?");
    let streamed: AIMessageChunk | undefined;
    let chunks = 0;
    for await (const chunk of await model.bindTools([search]).stream("When?")) {
      streamed = streamed === undefined ? chunk : streamed.concat(chunk);
      chunks += 1;
    }
    expect(chunks).toBeGreaterThan(4);
    for (const message of [whole, streamed]) {
      expect(message).toMatchObject({
        content: "Let me look.",
        tool_calls: [{ name: "search", args: { query: "tides" }, type: "tool_call" }],
        usage_metadata: {
          output_tokens: 11,
          input_token_details: { cache_read: 2 },
          output_token_details: { reasoning: 3 },
        },
        response_metadata: { model_name: "scripted", finish_reason: "tool_calls" },
      });
    }
    expect(whole.id).not.toBe(streamed?.id);
    expect(whole.tool_calls?.[0]?.id).not.toBe(streamed?.tool_calls?.[0]?.id);
    expect(whole.usage_metadata).toEqual(streamed?.usage_metadata);
  });

  test("takes given tool call ids, and arguments that are not JSON", async () => {
    const model = scriptedModel([
      {
        toolCalls: [
          { name: "search", args: { query: "a" }, id: "call_mine" },
          { name: "search", args: '{"query": <' },
        ],
      },
    ]);
    expect(await model.invoke("Hi")).toMatchObject({
      tool_calls: [{ id: "call_mine", args: { query: "a" } }],
      invalid_tool_calls: [{ name: "search", args: '{"query": <' }],
    });
  });

  test("can be structured, by the tool or as content", async () => {
    const model = scriptedModel([{ json: { city: "Oslo" } }]);
    const structured = model.withStructuredOutput(z.object({ city: z.string() }));
    expect(await structured.invoke("Where?")).toEqual({ city: "Oslo" });
    expect((await model.invoke("Where?")).content).toBe('{"city":"Oslo"}');
  });
});

describe("a turn", () => {
  test("is chosen by the conversation, whichever model asks", async () => {
    const conversation = [
      new HumanMessage("When?"),
      new AIMessage({ content: "", tool_calls: [{ name: "search", args: {}, id: "1" }] }),
      new ToolMessage({ content: "noon", tool_call_id: "1" }),
    ];
    for (const model of [scriptedModel(turns), scriptedModel(turns)]) {
      expect((await model.invoke(conversation)).content).toBe("The tide is high at noon.");
    }
  });

  test("can fail the first attempt and answer the second", async () => {
    const error = new Error("overloaded");
    const model = scriptedModel(({ attempt }) => (attempt === 1 ? { error } : { content: "ok" }));
    await expect(model.invoke("Hi")).rejects.toBe(error);
    expect((await model.invoke("Hi")).content).toBe("ok");
  });

  test("can fail in mid-stream", async () => {
    const error = new Error("cut");
    const model = scriptedModel([{ content: "0123456789", error, errorAfterChunks: 2 }], {
      chunkChars: 3,
    });
    const texts: string[] = [];
    const reading = (async () => {
      for await (const chunk of await model.stream("Hi")) texts.push(chunk.text);
    })();
    await expect(reading).rejects.toBe(error);
    expect(texts).toEqual(["012", "345"]);
  });

  test("that is missing is a coded error", async () => {
    await expect(scriptedModel([]).invoke("Hi")).rejects.toMatchObject({
      code: "script-exhausted",
    });
  });

  test("with a delay ends with the caller's signal", async () => {
    const abort = new AbortController();
    const model = scriptedModel(() => {
      queueMicrotask(() => abort.abort());
      return { content: "late", delayMs: 3_600_000 };
    });
    await expect(model.invoke("Hi", { signal: abort.signal })).rejects.toThrow(/abort/i);
  });
});

test("settings are in its invocation parameters, and a rebuilt model goes on in the same record", async () => {
  const model = scriptedModel([{ content: "ok" }], { model: "m-1", temperature: 0, maxTokens: 64 });
  expect(model.invocationParams()).toEqual({ model: "m-1", temperature: 0, max_tokens: 64 });
  const rebuilt: unknown = Reflect.construct(model.constructor, [
    { ...model.lc_kwargs, temperature: 0.7 },
  ]);
  if (!(rebuilt instanceof ScriptedModel)) throw new Error("not a scripted model");
  expect(rebuilt.invocationParams()).toEqual({ model: "m-1", temperature: 0.7, max_tokens: 64 });
  await model.invoke("Hi");
  await rebuilt.invoke("Hi");
  expect(
    model.calls.map(({ attempt, parameters }) => [attempt, parameters["temperature"]]),
  ).toEqual([
    [1, 0],
    [2, 0.7],
  ]);
});
