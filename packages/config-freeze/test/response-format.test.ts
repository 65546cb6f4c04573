import { withMiddleware } from "@evenkeel/core";
import type { EvenkeelEvent } from "@evenkeel/core";
import { wrapModel } from "@evenkeel/core";
import { replyByTurn } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import { Command, MemorySaver } from "@langchain/langgraph";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { createAgent, providerStrategy, toolStrategy } from "langchain";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { configFreezeMiddleware } from "../src/index.ts";
import { thread } from "./support/agent.ts";
import type { TestGraph } from "./support/agent.ts";
import { modelOf, monday, toolsOf } from "./support/shop.ts";
import { useWire } from "./support/wire.ts";

const ANSWER = { answer: "yes" };
const wire = useWire({
  script: replyByTurn([
    { toolCalls: [{ name: "approve", args: { order: "A1" } }] },
    (request) => {
      const extract = request.tools?.find(({ function: said }) => said?.name === "extract_answer");
      return extract === undefined
        ? { json: ANSWER }
        : { toolCalls: [{ name: "extract_answer", args: ANSWER }] };
    },
    { json: ANSWER },
  ]),
});

const answer = z.object({ answer: z.string() });
const verdict = z.object({ verdict: z.string() });
const titled = (schema: z.ZodType): object => ({
  ...z.toJSONSchema(schema),
  title: "extract_answer",
});

async function resumed(before: unknown, after: unknown): Promise<EvenkeelEvent[]> {
  const saver = new MemorySaver();
  const events: EvenkeelEvent[] = [];
  const agent = (responseFormat: unknown): TestGraph =>
    withMiddleware(
      createAgent({
        model: modelOf({ ...monday, model: "gpt-4o" }, wire.endpoint().url),
        tools: toolsOf(monday),
        ...(responseFormat === null ? {} : { responseFormat: responseFormat as never }),
        checkpointer: saver,
      }),
      [configFreezeMiddleware()],
      { onEvent: (event) => events.push(event) },
    );
  await agent(before).invoke({ messages: [new HumanMessage("hi")] }, thread());
  await agent(after).invoke(new Command({ resume: "yes" }), thread());
  return events;
}

describe("the response format of createAgent", () => {
  test.each<[string, unknown, unknown]>([
    ["the provider's own", providerStrategy(answer), providerStrategy(verdict)],
    ["a tool", toolStrategy(titled(answer) as never), toolStrategy(titled(verdict) as never)],
    ["a zod schema", answer, verdict],
    ["a JSON Schema", titled(answer), titled(verdict)],
    ["none", null, providerStrategy(verdict)],
  ])("as %s stays the frozen one", async (_title, before, after) => {
    const events = await resumed(before, after);
    const [first, second] = wire.sent();
    expect(second).toEqual(first);
    expect(events.some(({ name }) => name === "middleware-warning")).toBe(false);
  });

  test("differs after the deploy without the middleware", async () => {
    const saver = new MemorySaver();
    const agent = (schema: z.ZodType): TestGraph =>
      createAgent({
        model: modelOf({ ...monday, model: "gpt-4o" }, wire.endpoint().url),
        tools: toolsOf(monday),
        responseFormat: providerStrategy(schema) as never,
        checkpointer: saver,
      });
    await agent(answer).invoke({ messages: [new HumanMessage("hi")] }, thread());
    await agent(verdict)
      .invoke(new Command({ resume: "yes" }), thread())
      .catch(() => undefined);
    const [first, second] = wire.sent();
    expect(second?.rest).not.toBe(first?.rest);
  });

  // What makes a strategy of LangChain's is its class, and only a live strategy has it.
  test.each<[string, unknown]>([
    ["of another kind", toolStrategy(titled(answer) as never)],
    ["that is gone", null],
  ])("%s today is reported, and the live one counts", async (_title, after) => {
    const events = await resumed(providerStrategy(answer), after);
    const reasons = events.map(({ detail }) => detail["reason"]);
    expect(reasons).toContain("response-format-not-rebuildable");
    const drift = events.find(({ name }) => name === "config-drifted");
    expect(JSON.stringify(drift?.detail)).toContain("responseFormat");
  });
});

test("the response format of createReactAgent stays the frozen one", async () => {
  const saver = new MemorySaver();
  const agent = (schema: z.ZodType): TestGraph =>
    withMiddleware(
      createReactAgent({
        llm: wrapModel(modelOf({ ...monday, model: "gpt-4o" }, wire.endpoint().url)) as never,
        tools: toolsOf(monday),
        responseFormat: schema as never,
        checkpointer: saver,
      }),
      [configFreezeMiddleware()],
    );
  const input = { messages: [new HumanMessage("hi")] };
  await agent(answer).invoke(input, thread());
  await agent(answer).invoke(new Command({ resume: "yes" }), thread());
  const [format] = wire.sent().filter(({ rest }) => rest.includes("response_format"));
  const again = new Command({ goto: "generate_structured_response" });
  // What comes back fits the frozen schema; the parser is the live process's own.
  await expect(agent(verdict).invoke(again, thread())).rejects.toThrow(/verdict/);
  const last = wire.sent().at(-1);
  expect(last?.rest).toBe(format?.rest);
  expect(last?.rest).toContain("answer");
});
