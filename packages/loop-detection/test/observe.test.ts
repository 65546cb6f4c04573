import type { EvenkeelEvent } from "@evenkeel/core";
import { startOpenAIEndpoint } from "@evenkeel/testing";
import type { OpenAIEndpoint } from "@evenkeel/testing";
import { MemorySaver } from "@langchain/langgraph";
import { ChatOpenAI } from "@langchain/openai";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import type { LoopDetectionMiddlewareOptions } from "../src/index.ts";
import { SHAPES, ask, deployOn, textsOf, thread } from "./support/agent.ts";
import type { Shape } from "./support/agent.ts";
import { counted } from "./support/shop.ts";

const LOOPS = 11;
let endpoint: OpenAIEndpoint | undefined;
beforeAll(async () => {
  endpoint = await startOpenAIEndpoint({
    script: ({ messages }) => {
      const replies = messages.filter(({ role }) => role === "assistant").length;
      const id = `call-${replies}`;
      return replies < LOOPS
        ? { toolCalls: [{ name: "look_up", args: { order: 7 }, id }] }
        : { content: "I looked eleven times." };
    },
  });
});
afterAll(() => endpoint?.close());

interface Seen {
  sent: string[];
  said: string[];
  calls: number;
  events: EvenkeelEvent[];
  checkpoints: number;
}

async function runIn(shape: Shape, options: LoopDetectionMiddlewareOptions | null): Promise<Seen> {
  endpoint?.clear();
  const look = counted("look_up", () => "no such order");
  const checkpointer = new MemorySaver();
  const model = new ChatOpenAI({
    model: "gpt-5.2",
    apiKey: "test",
    maxRetries: 0,
    configuration: { baseURL: endpoint?.url ?? "" },
  });
  const parts = { shape, tools: [look.tool], checkpointer, options };
  const { graph, events } = deployOn(model, parts);
  const output = await graph.invoke(ask("Order 7?"), { ...thread(), recursionLimit: 200 });
  let checkpoints = 0;
  for await (const _ of checkpointer.list(thread())) checkpoints += 1;
  const sent = (endpoint?.requests ?? []).map(({ rawBody }) => rawBody);
  return { sent, said: textsOf(output), calls: look.calls(), events, checkpoints };
}

describe.each(SHAPES)("observing in a %s", (shape) => {
  test.each<[string, LoopDetectionMiddlewareOptions]>([
    ["an answer", {}],
    ["a pause", { exitBehavior: "interrupt" }],
    ["an error", { exitBehavior: "error" }],
  ])(
    "a loop that would end in %s: every request byte for byte the bare graph's",
    async (_, options) => {
      const bare = await runIn(shape, null);
      const seen = await runIn(shape, { ...options, mode: "observe" });
      expect(bare.sent).toHaveLength(LOOPS + 1);
      expect(seen.sent).toEqual(bare.sent);
      expect(seen.said).toEqual(bare.said);
      expect(seen.calls).toBe(LOOPS);
      expect(seen.checkpoints).toBe(bare.checkpoints);
      if (shape === "createAgent native") return;
      const actions = seen.events
        .filter(({ name }) => name === "loop-detected")
        .map(({ detail }) => detail["action"]);
      // What would have been decided after each call, and each call that would have been answered.
      expect(actions.filter((action) => action === "stop").length).toBeGreaterThan(0);
      expect(actions.slice(0, 4)).toEqual(["none", "steer", "steer", "block"]);
      expect(seen.events.map(({ name }) => name)).toContain("would-have-acted");
    },
  );
});

describe("switched by environment while threads are in flight", () => {
  afterEach(() => {
    delete process.env["EVENKEEL_MODE"];
  });

  test("what was counted while observing counts once it acts", async () => {
    process.env["EVENKEEL_MODE"] = "loopDetectionMiddleware=observe";
    const look = counted("look_up", () => "no such order");
    endpoint?.clear();
    const model = new ChatOpenAI({
      model: "gpt-5.2",
      apiKey: "test",
      maxRetries: 0,
      configuration: { baseURL: endpoint?.url ?? "" },
    });
    const { graph } = deployOn(model, { tools: [look.tool] });
    const config = thread();
    const halfway = graph.invoke(ask("Order 7?"), { ...config, recursionLimit: 2 * 6 });
    await expect(halfway).rejects.toThrow("Recursion limit");
    // A run keeps the mode it began with; the next one asks again.
    delete process.env["EVENKEEL_MODE"];
    await graph.invoke(null, { ...config, recursionLimit: 200 });
    const told = (endpoint?.requests ?? []).map(({ rawBody }) => {
      const { messages } = JSON.parse(rawBody) as { messages: { content: string }[] };
      return /^You called "look_up" (\d+) times/.exec(messages.at(-1)?.content ?? "")?.[1];
    });
    expect(told.slice(0, 8)).toEqual([...Array.from({ length: 6 }), "6", "7"]);
  });
});
