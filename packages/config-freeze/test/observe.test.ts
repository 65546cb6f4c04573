import type { EvenkeelEvent, MiddlewareMode } from "@evenkeel/core";
import { replyByTurn } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { Command, MemorySaver } from "@langchain/langgraph";
import { afterEach, describe, expect, test } from "vitest";

import { configFreezeMiddleware } from "../src/index.ts";
import type { ConfigFreezeMiddlewareOptions } from "../src/index.ts";
import { AGENT_SHAPES, deploy, thread } from "./support/agent.ts";
import type { AgentShape, TestGraph } from "./support/agent.ts";
import { askingGraph } from "./support/ask.ts";
import { modelOf, monday, toolsOf, tuesday } from "./support/shop.ts";
import type { Release } from "./support/shop.ts";
import { useWire } from "./support/wire.ts";

const wire = useWire({
  script: replyByTurn([
    { toolCalls: [{ name: "approve", args: { order: "A1" }, id: "call-1" }] },
    { toolCalls: [{ name: "approve", args: { order: "A2" }, id: "call-2" }] },
    { content: "done" },
  ]),
});
const input = (): object => ({ messages: [new HumanMessage({ content: "refund A1", id: "h" })] });
const resume = (): Command => new Command({ resume: "yes" });

function agent(
  shape: AgentShape,
  release: Release,
  checkpointer: MemorySaver,
  options: ConfigFreezeMiddlewareOptions | null,
  events: EvenkeelEvent[] = [],
): TestGraph {
  return deploy({
    shape,
    model: modelOf(release, wire.endpoint().url),
    prompt: release.prompt,
    tools: toolsOf(release),
    checkpointer,
    middleware: options === null ? null : [configFreezeMiddleware(options)],
    events,
  });
}

const bodies = (): string[] => wire.endpoint().requests.map(({ rawBody }) => rawBody);
const texts = (result: Record<string, unknown>): string[] =>
  (result["messages"] as BaseMessage[]).map(({ text }) => text);

async function throughDeploy(
  shape: AgentShape,
  options: ConfigFreezeMiddlewareOptions | null,
): Promise<{ sent: string[]; said: string[]; events: EvenkeelEvent[] }> {
  wire.endpoint().clear();
  const saver = new MemorySaver();
  const events: EvenkeelEvent[] = [];
  await agent(shape, monday, saver, options, events).invoke(input(), thread());
  const result = await agent(shape, tuesday, saver, options, events).invoke(resume(), thread());
  return { sent: bodies(), said: texts(result), events };
}

describe.each(AGENT_SHAPES)("observing in a %s", (shape) => {
  test("sends byte for byte what the bare graph sends, and says what it would have done", async () => {
    const bare = await throughDeploy(shape, null);
    const seen = await throughDeploy(shape, { mode: "observe" });
    expect(seen.sent).toEqual(bare.sent);
    expect(seen.said).toEqual(bare.said);
    const names = seen.events.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["config-drifted", "would-have-acted"]));
    const acted = seen.events.find(({ name }) => name === "would-have-acted");
    expect(acted?.detail).toMatchObject({ changedRequest: true });
  });

  test.each<[string, ConfigFreezeMiddlewareOptions]>([
    ["drift would be an error", { onDrift: "error" }],
    ["a tool is revoked", { revoke: { tools: ["approve"] } }],
    ["the model is revoked", { revoke: { models: ["gpt-5.2", "gpt-4.1"] } }],
    ["an alias would be pinned", { pinModelAlias: true }],
  ])("changes nothing where %s", async (_title, options) => {
    const bare = await throughDeploy(shape, null);
    const seen = await throughDeploy(shape, { ...options, mode: "observe" });
    expect(seen.sent).toEqual(bare.sent);
    expect(seen.said).toEqual(bare.said);
  });
});

test("observing gives nodes today's config, and reports what would have held", async () => {
  const saver = new MemorySaver();
  const events: EvenkeelEvent[] = [];
  const seen: string[] = [];
  const graph = (tone: string): TestGraph => {
    const freeze = configFreezeMiddleware({ mode: "observe", config: () => ({ tone }) });
    return askingGraph(async () => void seen.push(freeze.config().tone), saver, [freeze], events);
  };
  await graph("kind").invoke(input(), thread());
  await graph("strict").invoke(resume(), thread());
  expect(seen).toEqual(["kind", "strict"]);
  expect(JSON.stringify(events)).toContain('"field":"config.tone"');
});

describe("switching modes on threads in flight", () => {
  afterEach(() => {
    delete process.env["EVENKEEL_MODE"];
  });

  async function resumedIn(modes: readonly (MiddlewareMode | undefined)[]): Promise<string[]> {
    wire.endpoint().clear();
    const saver = new MemorySaver();
    const releases = [monday, { ...monday, prompt: "Two." }, { ...monday, prompt: "Three." }];
    for (const [at, release] of releases.entries()) {
      const mode = modes[at];
      if (mode === undefined) delete process.env["EVENKEEL_MODE"];
      else process.env["EVENKEEL_MODE"] = `configFreezeMiddleware=${mode}`;
      const graph = agent("StateGraph", release, saver, {});
      await graph.invoke(at === 0 ? input() : resume(), thread());
    }
    return wire
      .sent()
      .map(({ prompt }) => (JSON.parse(prompt) as { content: string }[])[0]?.content ?? "");
  }

  test("observe, then enforce: what was seen first is what holds", async () => {
    const one = await resumedIn(["observe", "observe", undefined]);
    expect(one).toEqual(["You are kind.", "Two.", "You are kind."]);
  });

  test("off, then enforce: the execution is frozen from the first enforced call on", async () => {
    expect(await resumedIn(["off", undefined, undefined])).toEqual([
      "You are kind.",
      "Two.",
      "Two.",
    ]);
  });

  test("enforce, then off, then enforce: off is the bare graph, and nothing is forgotten", async () => {
    const one = await resumedIn([undefined, "off", undefined]);
    expect(one).toEqual(["You are kind.", "Two.", "You are kind."]);
  });
});

describe("durability", () => {
  const durabilityOf = async (
    options: ConfigFreezeMiddlewareOptions,
    config: Record<string, unknown> = {},
  ): Promise<{ durability: unknown; warned: unknown[] }> => {
    const events: EvenkeelEvent[] = [];
    let durability: unknown;
    const ask = async (_messages: unknown, { durability: given }: { durability?: unknown }) => {
      durability = given;
    };
    const freeze = configFreezeMiddleware(options);
    const graph = askingGraph(ask as never, new MemorySaver(), [freeze], events);
    await graph.invoke(input(), thread("thread-1", config));
    const warnings = events.filter(({ name }) => name === "middleware-warning");
    return { durability, warned: warnings.map(({ detail }) => detail) };
  };

  test('is "sync" unless the caller chose otherwise', async () => {
    expect(await durabilityOf({})).toEqual({ durability: "sync", warned: [] });
    const chosen = await durabilityOf({}, { durability: "async" });
    expect(chosen).toEqual({ durability: "async", warned: [] });
  });

  test('is left alone with "inherit", and warned of where it is not "sync"', async () => {
    const inherited = await durabilityOf({ durability: "inherit" });
    expect(inherited.durability).toBeUndefined();
    expect(inherited.warned).toEqual([{ reason: "durability-not-sync", durability: "async" }]);
    const sync = await durabilityOf({ durability: "inherit" }, { durability: "sync" });
    expect(sync).toEqual({ durability: "sync", warned: [] });
  });
});
