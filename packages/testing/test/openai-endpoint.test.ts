import { HumanMessage, ToolMessage, type UsageMetadata } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MemorySaver, MessagesAnnotation, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";

import {
  type OpenAIEndpoint,
  type OpenAIEndpointOptions,
  startOpenAIEndpoint,
} from "../src/openai/endpoint.ts";
import { lastUserText } from "../src/openai/request.ts";
import { replyByTurn } from "../src/openai/script.ts";

const running: OpenAIEndpoint[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((endpoint) => endpoint.close()));
});

async function start(options: OpenAIEndpointOptions): Promise<OpenAIEndpoint> {
  const endpoint = await startOpenAIEndpoint(options);
  running.push(endpoint);
  return endpoint;
}

function chat(endpoint: OpenAIEndpoint, fields: { model?: string } = {}): ChatOpenAI {
  return new ChatOpenAI({
    model: "gpt-5.2",
    apiKey: "none",
    maxRetries: 0,
    configuration: { baseURL: endpoint.url },
    ...fields,
  });
}

function usageOf({
  usage_metadata: usage,
}: {
  usage_metadata?: UsageMetadata | undefined;
}): UsageMetadata {
  if (usage === undefined) throw new Error("the message has no usage");
  return usage;
}

async function getJson(url: string): Promise<unknown> {
  return (await fetch(url)).json();
}

const lookUp = tool(({ order }) => `order ${order} was delivered`, {
  name: "look_up",
  description: "Finds an order",
  schema: z.object({ order: z.string() }),
});

describe("a whole answer", () => {
  test("reaches ChatOpenAI with content, dated model name and usage", async () => {
    const endpoint = await start({
      script: [{ content: "Hello there.", usage: { cachedTokens: 3, reasoningTokens: 5 } }],
      aliases: { "gpt-5.2": "gpt-5.2-2026-01-15" },
    });
    const message = await chat(endpoint).invoke("Hi");
    expect(message.content).toBe("Hello there.");
    expect(message.response_metadata["model_name"]).toBe("gpt-5.2-2026-01-15");
    expect(message.response_metadata["finish_reason"]).toBe("stop");
    expect(message.usage_metadata).toMatchObject({
      output_tokens: 8,
      input_token_details: { cache_read: 3 },
      output_token_details: { reasoning: 5 },
    });
  });

  test("counts the same prompt tokens for the same request", async () => {
    const endpoint = await start({ script: () => ({ content: "ok" }) });
    const count = async (text: string) => usageOf(await chat(endpoint).invoke(text)).input_tokens;
    expect(await count("a question")).toBe(await count("a question"));
    expect(await count("a longer question ".repeat(50))).toBeGreaterThan(await count("a question"));
  });

  test("has an id and tool call ids that no other answer has", async () => {
    const calls = { toolCalls: [{ name: "look_up", args: { order: "1" } }] };
    const endpoint = await start({ script: () => calls });
    const model = chat(endpoint).bindTools([lookUp]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => model.invoke("Hi")));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(20);
    expect(new Set(answers.flatMap(({ tool_calls }) => tool_calls?.[0]?.id)).size).toBe(20);
  });

  test("carries parallel tool calls, with given ids where the script gives them", async () => {
    const endpoint = await start({
      script: [
        {
          toolCalls: [
            { name: "look_up", args: { order: "1" }, id: "call_mine" },
            { name: "look_up", args: { order: "2" } },
          ],
        },
      ],
    });
    const message = await chat(endpoint).bindTools([lookUp]).invoke("Both");
    expect(message.tool_calls).toMatchObject([
      { name: "look_up", args: { order: "1" }, id: "call_mine" },
      { name: "look_up", args: { order: "2" } },
    ]);
    expect(message.response_metadata["finish_reason"]).toBe("tool_calls");
  });

  test("answers structured output by response format and by forced tool alike", async () => {
    const endpoint = await start({ script: () => ({ json: { city: "Oslo" } }) });
    const schema = z.object({ city: z.string() });
    for (const method of ["jsonSchema", "functionCalling"] as const) {
      const structured = chat(endpoint).withStructuredOutput(schema, { method, name: "place" });
      expect(await structured.invoke("Where?")).toEqual({ city: "Oslo" });
    }
    const [byFormat, byTool] = endpoint.requests;
    expect(byFormat?.body?.response_format?.json_schema?.name).toBe("place");
    expect(byTool?.body?.tool_choice).toEqual({ type: "function", function: { name: "place" } });
  });

  test("passes arguments on that are not valid JSON", async () => {
    const endpoint = await start({
      script: [{ toolCalls: [{ name: "look_up", args: '{"order": ' }] }],
    });
    const message = await chat(endpoint).bindTools([lookUp]).invoke("Hi");
    expect(message.invalid_tool_calls).toMatchObject([{ name: "look_up", args: '{"order": ' }]);
  });
});

describe("a streamed answer", () => {
  test("comes in several chunks that join to the content, with usage at the end", async () => {
    const content = "A sentence with an emoji 🦀 and some length to it.";
    const endpoint = await start({ script: [{ content }], chunkChars: 5 });
    const chunks = [];
    for await (const chunk of await chat(endpoint).stream("Hi")) chunks.push(chunk);
    expect(chunks.length).toBeGreaterThan(8);
    expect(chunks.map((chunk) => chunk.text).join("")).toBe(content);
    expect(chunks.at(-1)?.usage_metadata).toMatchObject({ output_tokens: 13 });
    expect(new Set(chunks.slice(0, -1).map(({ id }) => id)).size).toBe(1);
    expect(endpoint.requests[0]?.body?.stream_options).toEqual({ include_usage: true });
  });

  test("builds parallel tool calls from argument deltas", async () => {
    const toolCalls = ["first", "second"].map((order) => ({ name: "look_up", args: { order } }));
    const endpoint = await start({ script: [{ toolCalls }], chunkChars: 3 });
    const stream = await chat(endpoint).bindTools([lookUp]).stream("Hi");
    let deltas = 0;
    let whole;
    for await (const chunk of stream) {
      deltas += chunk.tool_call_chunks?.length ?? 0;
      whole = whole === undefined ? chunk : whole.concat(chunk);
    }
    expect(deltas).toBeGreaterThan(10);
    expect(whole?.tool_calls).toMatchObject(toolCalls);
  });

  test("has no usage where it was not asked for, and ends in DONE", async () => {
    const endpoint = await start({ script: [{ content: "ok" }] });
    const response = await fetch(`${endpoint.url}/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ model: "m", stream: true, messages: [{ role: "user", content: "" }] }),
    });
    const text = await response.text();
    expect(text).not.toContain("usage");
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  });
});

describe("a script by turn", () => {
  const script = replyByTurn([
    { toolCalls: [{ name: "look_up", args: { order: "7" } }] },
    { content: "It was delivered." },
  ]);

  test("drives a graph through its tool to the answer, and again for the next question", async () => {
    const endpoint = await start({ script });
    const model = chat(endpoint).bindTools([lookUp]);
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addNode("tools", new ToolNode([lookUp]))
      .addEdge("__start__", "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "agent")
      .compile({ checkpointer: new MemorySaver() });
    const config = { configurable: { thread_id: "1" } };
    await graph.invoke({ messages: [new HumanMessage("Where is 7?")] }, config);
    const { messages } = await graph.invoke({ messages: [new HumanMessage("And now?")] }, config);
    expect(messages.map((message) => message.type)).toEqual(
      Array.from({ length: 2 }, () => ["human", "ai", "tool", "ai"]).flat(),
    );
    expect(messages.at(-1)?.content).toBe("It was delivered.");
  });

  test("answers the same step the same way after a restart on the same port", async () => {
    const first = await start({ script });
    const model = chat(first).bindTools([lookUp]);
    const before = await model.invoke([new HumanMessage("Where is 7?")]);
    const [call] = before.tool_calls ?? [];
    const conversation = [
      new HumanMessage("Where is 7?"),
      before,
      new ToolMessage({ content: "delivered", tool_call_id: call?.id ?? "" }),
    ];
    await first.close();
    const second = await start({ script, port: first.port });
    expect((await model.invoke(conversation)).content).toBe("It was delivered.");
    expect((await model.invoke(conversation)).content).toBe("It was delivered.");
    expect(second.requests.map(({ index }) => index)).toEqual([0, 1]);
  });

  test("sees how often it was asked the same thing", async () => {
    const endpoint = await start({
      script: replyByTurn([(_, { attempt, index }) => ({ content: `${attempt} of ${index}` })]),
    });
    const model = chat(endpoint);
    const ask = async (text: string) => (await model.invoke(text)).content;
    expect([await ask("a"), await ask("b"), await ask("a")]).toEqual([
      "1 of 0",
      "1 of 1",
      "2 of 2",
    ]);
  });

  test("lets a message of ours pass as no new user turn", async () => {
    const endpoint = await start({
      script: replyByTurn([{ content: "first" }, { content: "second" }], {
        isUserTurn: (message) => message.role === "user" && message.name !== "steering",
      }),
    });
    const answer = await chat(endpoint).invoke([
      new HumanMessage("Hi"),
      { role: "assistant", content: "first" },
      new HumanMessage({ content: "You repeat yourself.", name: "steering" }),
    ]);
    expect(answer.content).toBe("second");
  });

  test("can be chosen by what the user said", async () => {
    const endpoint = await start({
      script: (request) => ({ content: lastUserText(request).includes("refund") ? "R" : "other" }),
    });
    expect((await chat(endpoint).invoke("a refund, please")).content).toBe("R");
  });

  test("refuses the turn it does not have, in a way no client retries", async () => {
    const endpoint = await start({ script: [{ content: "only" }] });
    const model = chat(endpoint);
    await model.invoke("one");
    await expect(model.invoke("two")).rejects.toMatchObject({
      status: 400,
      code: "script-exhausted",
    });
  });
});

describe("the endpoint", () => {
  test("records requests as received, trace headers included, for this process and others", async () => {
    const endpoint = await start({ script: () => ({ content: "ok" }) });
    const rawBody = `{ "model":"m",\t"messages":[{"role":"user","content":"é"}], "extra": [1] }`;
    await fetch(`${endpoint.url}/chat/completions`, {
      method: "POST",
      headers: { "langsmith-trace": "20260101T000000000000Zabc", traceparent: "00-1-2-01" },
      body: rawBody,
    });
    const expected = {
      index: 0,
      method: "POST",
      path: "/v1/chat/completions",
      rawBody,
      body: { model: "m", extra: [1] },
      headers: { "langsmith-trace": "20260101T000000000000Zabc", traceparent: "00-1-2-01" },
    };
    expect(endpoint.requests).toMatchObject([expected]);
    const origin = new URL(endpoint.url).origin;
    expect(await getJson(`${origin}/__requests`)).toMatchObject([expected]);
    endpoint.clear();
    expect(endpoint.requests).toEqual([]);
  });

  test("wakes who waits for requests, and tells them when it is closed", async () => {
    const endpoint = await start({ script: () => ({ content: "ok" }) });
    const two = endpoint.waitForRequests(2);
    const never = endpoint.waitForRequests(9);
    never.catch(() => {});
    await Promise.all([chat(endpoint).invoke("a"), chat(endpoint).invoke("b")]);
    await two;
    await endpoint.close();
    await expect(never).rejects.toMatchObject({ code: "endpoint-closed" });
  });

  test("lists its models, refuses others, and answers 404 in JSON elsewhere", async () => {
    const endpoint = await start({ script: () => ({ content: "ok" }), models: ["gpt-5.2"] });
    expect(await getJson(`${endpoint.url}/models`)).toMatchObject({
      data: [{ id: "gpt-5.2", object: "model" }],
    });
    await expect(chat(endpoint, { model: "gone" }).invoke("Hi")).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
    });
    const elsewhere = await fetch(`${endpoint.url}/embeddings`, { method: "POST" });
    expect(elsewhere.status).toBe(404);
    expect(await elsewhere.json()).toMatchObject({ error: { code: "not-found" } });
  });

  test("moves an alias while it runs", async () => {
    const endpoint = await start({ script: () => ({ content: "ok" }) });
    const name = async () => (await chat(endpoint).invoke("Hi")).response_metadata["model_name"];
    expect(await name()).toBe("gpt-5.2");
    endpoint.setAlias("gpt-5.2", "gpt-5.2-2026-03-01");
    expect(await name()).toBe("gpt-5.2-2026-03-01");
  });

  test("says which port is taken", async () => {
    const { port } = await start({ script: [] });
    await expect(startOpenAIEndpoint({ script: [], port })).rejects.toMatchObject({
      code: "port-unavailable",
      message: expect.stringContaining(String(port)),
    });
  });

  test.each([{ port: 70_000 }, { port: -1 }, { chunkChars: 0 }, { maxBodyBytes: 0.5 }])(
    "refuses the option %o by name",
    async (options) => {
      const [name = ""] = Object.keys(options);
      await expect(startOpenAIEndpoint({ script: [], ...options })).rejects.toMatchObject({
        code: "invalid-option",
        message: expect.stringMatching(`^${name} is `),
      });
    },
  );

  test("refuses tool calls left unanswered, unless told not to look", async () => {
    const dangling = [
      new HumanMessage("Hi"),
      {
        role: "assistant",
        content: "",
        tool_calls: [
          { id: "call_a", type: "function", function: { name: "look_up", arguments: "{}" } },
        ],
      },
      new HumanMessage("Well?"),
    ];
    const strict = await start({ script: () => ({ content: "ok" }) });
    await expect(chat(strict).invoke(dangling)).rejects.toMatchObject({ status: 400 });
    await expect(
      chat(strict).invoke([new ToolMessage({ content: "x", tool_call_id: "call_b" })]),
    ).rejects.toThrow("call_b");
    const lax = await start({ script: () => ({ content: "ok" }), checkMessages: false });
    expect((await chat(lax).invoke(dangling)).content).toBe("ok");
  });

  test("counts a repeated prompt prefix as cached, and a changed one not", async () => {
    const endpoint = await start({
      script: () => ({ content: "ok" }),
      promptCacheMinTokens: 1024,
    });
    const cached = async (system: string, text: string) =>
      usageOf(
        await chat(endpoint).invoke([{ role: "system", content: system }, new HumanMessage(text)]),
      ).input_token_details?.cache_read;
    const long = "You are careful. ".repeat(400);
    expect(await cached(long, "one")).toBe(0);
    expect(await cached(long, "two")).toBe(1664);
    expect(await cached(`Today. ${long}`, "two")).toBe(0);
  });

  test("takes a body of 100 MB and one more request after it", async () => {
    const endpoint = await start({
      script: (request) => ({ content: String(lastUserText(request).length) }),
    });
    const content = "x".repeat(100 * 1024 * 1024);
    const response = await fetch(`${endpoint.url}/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ model: "m", messages: [{ role: "user", content }] }),
    });
    expect(await response.json()).toMatchObject({
      choices: [{ message: { content: String(content.length) } }],
    });
    expect(endpoint.requests[0]?.rawBody.length).toBeGreaterThan(content.length);
    expect((await chat(endpoint).invoke("short")).content).toBe("5");
  });

  test("refuses a body over its limit with a code", async () => {
    const endpoint = await start({ script: () => ({ content: "ok" }), maxBodyBytes: 1000 });
    await expect(chat(endpoint).invoke("x".repeat(5000))).rejects.toMatchObject({
      status: 413,
      code: "body-too-large",
    });
  });
});
