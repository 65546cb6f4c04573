import { ENVELOPE_KEY } from "@evenkeel/core";
import type { Envelope } from "@evenkeel/core";
import { replyByTurn } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import type { ToolMessage } from "@langchain/core/messages";
import { Command, InMemoryStore, MemorySaver } from "@langchain/langgraph";
import { createAgent, dynamicSystemPromptMiddleware } from "langchain";
import { describe, expect, test } from "vitest";

import { configFreezeMiddleware } from "../src/index.ts";
import type { ConfigFreezeMiddlewareOptions } from "../src/index.ts";
import { codeOf, thread } from "./support/agent.ts";
import type { TestGraph } from "./support/agent.ts";
import { stateOf } from "./support/rewrite-state.ts";
import { modelOf, monday, toolsOf, tuesday } from "./support/shop.ts";
import type { Release } from "./support/shop.ts";
import { useWire } from "./support/wire.ts";

const wire = useWire({
  script: replyByTurn([
    {
      toolCalls: [
        { name: "approve", args: { order: "A1" } },
        { name: "refund", args: { amount: 1 } },
      ],
    },
    { toolCalls: [{ name: "refund", args: { amount: 5 } }] },
    { content: "done" },
  ]),
});
const input = (): object => ({ messages: [new HumanMessage("refund A1")] });
const resume = (): Command => new Command({ resume: "yes" });

/** The middleware in LangChain's own hands: no withMiddleware anywhere. */
function native(
  release: Release,
  checkpointer: MemorySaver,
  options: ConfigFreezeMiddlewareOptions | null = {},
  store?: InMemoryStore,
  more: unknown[] = [],
): TestGraph {
  return createAgent({
    model: modelOf(release, wire.endpoint().url),
    tools: toolsOf(release),
    systemPrompt: release.prompt,
    checkpointer,
    ...(store === undefined ? {} : { store }),
    middleware: [
      ...(options === null ? [] : [configFreezeMiddleware(options)]),
      ...(more as never[]),
    ],
  });
}

const size = (value: unknown): number => JSON.stringify(value).length;

describe("native createAgent", () => {
  test.each(["the private channel", "LangGraph's store"])(
    "keeps prompt, model, settings and tools over a deploy, body in %s",
    async (where) => {
      const saver = new MemorySaver();
      const store = where === "the private channel" ? undefined : new InMemoryStore();
      await native(monday, saver, {}, store).invoke(input(), thread());
      const sites = await stateOf(saver, "_configSites");
      expect(Object.keys(sites)).toEqual(["model_request#0"]);
      expect(size(sites) < 300).toBe(store !== undefined);
      await native(tuesday, saver, {}, store).invoke(resume(), thread());
      const [first, ...later] = wire.sent();
      expect(later).toEqual([first, first]);
    },
  );

  test("changes with the deploy without the middleware", async () => {
    const saver = new MemorySaver();
    await native(monday, saver, null).invoke(input(), thread());
    await native(tuesday, saver, null).invoke(resume(), thread());
    const [first, second] = wire.sent();
    expect(second?.prompt).not.toBe(first?.prompt);
    expect(second?.rest).not.toBe(first?.rest);
  });

  test("refuses a manifest whose body is gone from the store", async () => {
    const saver = new MemorySaver();
    await native(monday, saver, {}, new InMemoryStore()).invoke(input(), thread());
    const run = native(tuesday, saver, {}, new InMemoryStore()).invoke(resume(), thread());
    expect(await codeOf(run)).toBe("manifest-missing");
  });

  test("answers a call of a vanished tool with a code", async () => {
    const saver = new MemorySaver();
    await native(monday, saver).invoke(input(), thread());
    const result = await native(tuesday, saver).invoke(resume(), thread());
    const codes = (result["messages"] as ToolMessage[]).map(
      (message) => (message.additional_kwargs[ENVELOPE_KEY] as Envelope | undefined)?.code,
    );
    expect(codes).toContain("tool-vanished");
  });

  test("obeys onDrift and revoke", async () => {
    const saver = new MemorySaver();
    await native(monday, saver).invoke(input(), thread());
    const failing = native(tuesday, saver, { onDrift: "error" }).invoke(resume(), thread());
    expect(await codeOf(failing)).toBe("config-drifted");
    await native(tuesday, saver, {
      onDrift: "warn",
      revoke: { tools: ["cancel"] },
    }).invoke(null, thread());
    expect(wire.sent()[1]?.prompt).toContain("strict");
    expect(wire.sent()[1]?.rest).not.toContain("cancel");
  });

  test("lets a prompt that changes from call to call pass", async () => {
    let call = 0;
    const dynamic = dynamicSystemPromptMiddleware(() => `This is call ${(call += 1)}.`);
    const agent = createAgent({
      model: modelOf(monday, wire.endpoint().url),
      tools: toolsOf({ ...monday, tools: ["refund"] }),
      middleware: [dynamic, configFreezeMiddleware()],
    });
    await agent
      .invoke({ messages: [new HumanMessage("refund A1")] } as never)
      .catch(() => undefined);
    const prompts = wire.sent().map(({ prompt }) => prompt);
    expect(prompts.length).toBeGreaterThan(1);
    expect(new Set(prompts).size).toBe(prompts.length);
  });

  async function streamed(store: InMemoryStore | undefined): Promise<string> {
    const agent = native(monday, new MemorySaver(), {}, store);
    const chunks: unknown[] = [];
    const streamMode = ["values", "updates", "custom"];
    for await (const chunk of await agent.stream(input(), { ...thread(), streamMode })) {
      chunks.push(chunk);
    }
    return JSON.stringify(chunks);
  }

  test("with a store lets only hashes into its streams", async () => {
    const text = await streamed(new InMemoryStore());
    expect(text).toContain("config-frozen");
    expect(text).not.toContain("You are kind.");
  });

  test("without a store has its manifest in the streams of the agent's state", async () => {
    expect(await streamed(undefined)).toContain("You are kind.");
  });

  test("returns none of its state", async () => {
    const result = await native(monday, new MemorySaver()).invoke(input(), thread());
    expect(Object.keys(result).filter((key) => key.startsWith("_config"))).toEqual([]);
  });

  test("forgets a first call that came to nothing", async () => {
    const saver = new MemorySaver();
    const unreachable = { baseURL: "http://127.0.0.1:1/v1" };
    const broken = createAgent({
      model: modelOf(monday, "", { configuration: unreachable }),
      tools: toolsOf(monday),
      checkpointer: saver,
      middleware: [configFreezeMiddleware()],
    }) as unknown as TestGraph;
    await expect(broken.invoke(input(), thread())).rejects.toThrow();
    await native(tuesday, saver).invoke(null, thread());
    expect(wire.sent()[0]?.prompt).toContain("strict");
  });

  test("has no run seam: config, recursionLimit and include are not frozen there", async () => {
    const saver = new MemorySaver();
    let asked = 0;
    const options: ConfigFreezeMiddlewareOptions = {
      config: () => ({ asked: (asked += 1) }),
      include: { context: ["plan"] },
    };
    await native(monday, saver, options).invoke(input(), thread());
    expect(asked).toBe(0);
    expect(await stateOf(saver, "_config")).toEqual({});
  });
});
