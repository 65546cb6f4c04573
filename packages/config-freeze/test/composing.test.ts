import type { AnyMiddleware } from "@evenkeel/core";
import { replyByTurn, startLangSmithEndpoint } from "@evenkeel/testing";
import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { HumanMessage } from "@langchain/core/messages";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { Command, MemorySaver } from "@langchain/langgraph";
import { dynamicSystemPromptMiddleware } from "langchain";
import { Client } from "langsmith";
import { describe, expect, test } from "vitest";

import { configFreezeMiddleware } from "../src/index.ts";
import { deploy, thread } from "./support/agent.ts";
import type { AgentShape, TestGraph } from "./support/agent.ts";
import { REFUND_TURNS, modelOf, monday, toolsOf, tuesday } from "./support/shop.ts";
import type { Release } from "./support/shop.ts";
import { useWire } from "./support/wire.ts";

const wire = useWire({ script: replyByTurn(REFUND_TURNS) });
const input = (): object => ({ messages: [new HumanMessage("refund A1")] });
const resume = (): Command => new Command({ resume: "yes" });

/** LangChain's own middleware, whose text a deploy changes. */
const writing = (release: Release): AnyMiddleware =>
  dynamicSystemPromptMiddleware(() => `Written for ${release.model}.`) as never;

async function prompts(
  shape: AgentShape,
  stack: (release: Release) => AnyMiddleware[],
): Promise<string[]> {
  const saver = new MemorySaver();
  const agent = (release: Release): TestGraph =>
    deploy({
      shape,
      model: modelOf(release, wire.endpoint().url),
      prompt: release.prompt,
      tools: toolsOf(release),
      checkpointer: saver,
      middleware: stack(release),
    });
  await agent(monday).invoke(input(), thread());
  await agent(tuesday).invoke(resume(), thread());
  return wire.sent().map(({ prompt }) => prompt);
}

describe.each(["StateGraph", "createAgent"] as const)("in a %s", (shape) => {
  test("a middleware before it that writes the prompt has it frozen", async () => {
    const [first, ...later] = await prompts(shape, (release) => [
      writing(release),
      configFreezeMiddleware(),
    ]);
    expect(first).toContain("Written for gpt-5.2.");
    expect(later).toEqual([first, first]);
  });

  test("a middleware after it that writes the prompt acts live", async () => {
    const [first, ...later] = await prompts(shape, (release) => [
      configFreezeMiddleware(),
      writing(release),
    ]);
    expect(first).toContain("Written for gpt-5.2.");
    for (const prompt of later) expect(prompt).toContain("Written for gpt-4.1.");
  });
});

test("the root runs in LangSmith carry the hash of the configuration and what drifted", async () => {
  const endpoint = await startLangSmithEndpoint();
  const client = new Client({ apiUrl: endpoint.url, apiKey: "key" });
  const saver = new MemorySaver();
  const run = async (release: Release, given: unknown): Promise<void> => {
    const graph = deploy({
      model: modelOf(release, wire.endpoint().url),
      prompt: release.prompt,
      tools: toolsOf(release),
      checkpointer: saver,
      middleware: [configFreezeMiddleware()],
    });
    const callbacks = [new LangChainTracer({ client, projectName: "shop" })];
    await graph.invoke(given, { ...thread(), callbacks });
  };
  await run(monday, input());
  await run(tuesday, resume());
  await awaitAllCallbacks();
  await client.awaitPendingTraceBatches();
  const marked = endpoint.runs
    .map(({ extra }) => (extra as { metadata?: Record<string, unknown> }).metadata ?? {})
    .filter((metadata) => "evenkeel_config_hash" in metadata);
  const hashes = new Set(marked.map((metadata) => metadata["evenkeel_config_hash"]));
  expect(hashes.size).toBe(1);
  expect([...hashes][0]).toMatch(/^[0-9a-f]{64}$/);
  const drifts = marked.map((metadata) => metadata["evenkeel_config_drift"]);
  expect(drifts).toContainEqual(expect.stringContaining("model.parameters.temperature"));
  expect(JSON.stringify(marked)).not.toContain("You are");
  await endpoint.close();
});
