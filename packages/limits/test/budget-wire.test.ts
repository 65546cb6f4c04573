import { startOpenAIEndpoint } from "@evenkeel/testing";
import type { ChatRequest, OpenAIEndpoint } from "@evenkeel/testing";
import { MemorySaver } from "@langchain/langgraph";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent, toolStrategy } from "langchain";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";

import { budgetMiddleware } from "../src/index.ts";
import { SHAPES, agentOf, thread } from "./support/agent.ts";
import { ask, dangling, lastText, lookUp } from "./support/seeker.ts";

let endpoint: OpenAIEndpoint;
beforeAll(async () => {
  endpoint = await startOpenAIEndpoint({ script: answer });
});
afterAll(() => endpoint.close());
beforeEach(() => endpoint.clear());

/** Calls its tool for as long as it is offered, and answers in its structured form where asked. */
function answer({ tools = [], messages }: ChatRequest): object {
  const usage = { promptTokens: 60, completionTokens: 40 };
  const names = tools.map((tool) => tool.function?.name ?? "");
  const turn = messages.filter(({ role }) => role === "assistant").length;
  if (names.includes("look_up")) {
    return { toolCalls: [{ name: "look_up", args: { item: String(turn) } }], usage };
  }
  const structured = names.find((name) => name.startsWith("extract"));
  return structured === undefined
    ? { content: "From what I know: it is here.", usage }
    : { toolCalls: [{ name: structured, args: { place: "here" } }], usage };
}

const model = (): ChatOpenAI =>
  new ChatOpenAI({
    model: "gpt-5.2",
    apiKey: "none",
    maxRetries: 0,
    configuration: { baseURL: endpoint.url },
  });
const bodies = (): Record<string, unknown>[] =>
  endpoint.requests.map(({ rawBody }) => JSON.parse(rawBody) as Record<string, unknown>);

describe.each(SHAPES)("the last request of a %s, as the provider receives it", (shape) => {
  test("offers no tool, names no choice of one, and ends with the reason", async () => {
    const graph = agentOf({
      shape,
      model: model(),
      tools: [lookUp().tool],
      middleware: [budgetMiddleware({ perExecution: { tokens: 200 } })],
    });
    const result = await graph.invoke(ask(), thread("thread-1", { recursionLimit: 60 }));
    const last = bodies().at(-1) ?? {};
    expect(bodies()).toHaveLength(3);
    expect(Object.keys(last)).not.toContain("tools");
    expect(Object.keys(last)).not.toContain("tool_choice");
    expect(Object.keys(last)).not.toContain("parallel_tool_calls");
    const messages = last["messages"] as { role: string; content: string }[];
    expect(messages.at(-1)).toMatchObject({
      role: "user",
      content: expect.stringContaining("tokens: 200 of 200"),
    });
    // What was sent before is sent as it was: the provider's cache of the prompt holds.
    const before = bodies().at(-2)?.["messages"] as unknown[];
    expect(messages.slice(0, before.length)).toEqual(before);
    expect(lastText(result)).toBe("From what I know: it is here.");
    expect(dangling(result)).toEqual([]);
  });
});

test("a structured answer of createAgent is still given, without the tools", async () => {
  const agent = createAgent({
    model: model(),
    tools: [lookUp().tool],
    responseFormat: toolStrategy(z.object({ place: z.string() })),
    checkpointer: new MemorySaver(),
    middleware: [budgetMiddleware({ perExecution: { modelCalls: 3 } }) as never],
  });
  const result = await agent.invoke(ask() as never, thread() as never);
  expect((result as { structuredResponse?: unknown }).structuredResponse).toEqual({
    place: "here",
  });
  expect(bodies()).toHaveLength(3);
});

test("a stream shows the last answer as it shows any other", async () => {
  const graph = agentOf({
    model: model(),
    tools: [lookUp().tool],
    middleware: [budgetMiddleware({ perExecution: { modelCalls: 2 } })],
  });
  let text = "";
  const stream = await graph.stream(ask(), { ...thread(), streamMode: "messages" });
  for await (const chunk of stream) {
    const [message] = chunk as [{ type: string; text: string }];
    if (message.type === "ai") text += message.text;
  }
  expect(text).toBe("From what I know: it is here.");
});
