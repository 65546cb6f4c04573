import { memoryStore, withMiddleware, wrapModel } from "@evenkeel/core";
import type { EvenkeelEvent } from "@evenkeel/core";
import { replyByTurn } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import { Command, MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { createAgent } from "langchain";
import { describe, expect, test } from "vitest";

import { configFreezeMiddleware, upgradeExecution } from "../src/index.ts";
import type { UpgradeOptions } from "../src/index.ts";
import { AGENT_SHAPES, codeOf, deploy, thread } from "./support/agent.ts";
import type { AgentShape, TestGraph } from "./support/agent.ts";
import { askingGraph } from "./support/ask.ts";
import { modelOf, monday, toolsOf, tuesday } from "./support/shop.ts";
import type { Release } from "./support/shop.ts";
import { useWire } from "./support/wire.ts";

const wire = useWire({
  script: replyByTurn([
    { toolCalls: [{ name: "approve", args: { order: "A1" } }] },
    { toolCalls: [{ name: "approve", args: { order: "A2" } }] },
    { content: "done" },
  ]),
});
const why: UpgradeOptions = { reason: "the prompt was wrong", actor: "ada" };
const input = (): object => ({ messages: [new HumanMessage("refund A1")] });

function deployments(shape: AgentShape = "StateGraph"): {
  agent(release: Release, config?: () => unknown): TestGraph;
  events: EvenkeelEvent[];
  saver: MemorySaver;
} {
  const saver = new MemorySaver();
  const events: EvenkeelEvent[] = [];
  const agent = (release: Release, config?: () => unknown): TestGraph =>
    deploy({
      shape,
      model: modelOf(release, wire.endpoint().url),
      prompt: release.prompt,
      tools: toolsOf(release),
      checkpointer: saver,
      middleware: [configFreezeMiddleware(config === undefined ? {} : { config })],
      events,
    });
  return { agent, events, saver };
}

const resume = (): Command => new Command({ resume: "yes" });
const upgrades = (events: EvenkeelEvent[]): EvenkeelEvent[] =>
  events.filter(({ name }) => name === "execution-upgraded");

describe.each(AGENT_SHAPES)("upgradeExecution of a paused %s", (shape) => {
  test("moves its next run to today's configuration, and later ones stay there", async () => {
    const { agent, events } = deployments(shape);
    await agent(monday).invoke(input(), thread());
    await upgradeExecution(agent(tuesday), thread(), why);
    await agent(tuesday).invoke(resume(), thread());
    const wednesday = { ...tuesday, prompt: "You are gone.", temperature: 0.5 };
    await agent(wednesday).invoke(resume(), thread());

    const [first, second, third] = wire.sent();
    expect(second?.prompt).toContain("strict");
    expect(second?.rest).toContain("gpt-4.1");
    expect(first?.rest).not.toBe(second?.rest);
    expect(third).toEqual(second);
    expect(upgrades(events)).toHaveLength(1);
    expect(upgrades(events)[0]).toMatchObject({
      severity: "medium",
      detail: { ...why, at: expect.any(String), from: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
  });
});

describe("an upgrade", () => {
  test("leaves an audit row with reason, actor, execution and thread", async () => {
    const { agent, events } = deployments();
    const audit = memoryStore();
    await agent(monday).invoke(input(), thread());
    const clock = (): number => Date.parse("2026-11-21T10:00:00Z");
    await upgradeExecution(agent(tuesday), thread(), { ...why, audit, clock });
    expect(await audit.listAudit({})).toEqual([
      expect.objectContaining({
        ...why,
        act: "upgrade-execution",
        at: "2026-11-21T10:00:00.000Z",
        threadId: "thread-1",
        executionId: events[0]?.executionId,
      }),
    ]);
  });

  test("evaluates config anew, once", async () => {
    const { agent } = deployments();
    const asked: string[] = [];
    const config = (day: string) => (): unknown => {
      asked.push(day);
      return { day };
    };
    await agent(monday, config("monday")).invoke(input(), thread());
    await upgradeExecution(agent(tuesday, config("tuesday")), thread(), why);
    await agent(tuesday, config("tuesday")).invoke(resume(), thread());
    await agent(tuesday, config("wednesday")).invoke(resume(), thread());
    expect(asked).toEqual(["monday", "tuesday"]);
  });

  test("is durable at once, without a checkpoint", async () => {
    const { agent, saver } = deployments();
    const count = async (): Promise<number> => {
      let checkpoints = 0;
      for await (const _tuple of saver.list(thread())) checkpoints += 1;
      return checkpoints;
    };
    await agent(monday).invoke(input(), thread());
    const before = await count();
    await upgradeExecution(agent(tuesday), thread(), why);
    expect(await count()).toBe(before);
  });

  test("while a run is under way takes effect with the next one", async () => {
    const saver = new MemorySaver();
    let begun: () => void = () => undefined;
    let go: () => void = () => undefined;
    const began = new Promise<void>((resolve) => (begun = resolve));
    const gate = new Promise<void>((resolve) => (go = resolve));
    const agent = (release: Release): TestGraph => {
      const ask = async (): Promise<void> => {
        await wrapModel(modelOf(release, wire.endpoint().url)).invoke(release.prompt);
        begun();
        await gate;
      };
      return askingGraph(ask, saver, [configFreezeMiddleware()]);
    };
    const running = agent(monday).invoke(input(), thread());
    await began;
    await upgradeExecution(agent(tuesday), thread(), why);
    await upgradeExecution(agent(tuesday), thread(), { ...why, actor: "bob" });
    go();
    await running;
    await agent(tuesday).invoke(resume(), thread());
    expect(wire.sent().map((_, at) => wire.body(at)["model"])).toEqual(["gpt-5.2", "gpt-4.1"]);
  });

  test("that cannot be recorded does not happen", async () => {
    const { agent, events } = deployments();
    await agent(monday).invoke(input(), thread());
    const audit = {
      ...memoryStore(),
      appendAudit: async (): Promise<void> => {
        throw new Error("the database is down");
      },
    };
    const refused = upgradeExecution(agent(tuesday), thread(), { ...why, audit });
    await expect(refused).rejects.toThrow("the database is down");
    await agent(tuesday).invoke(resume(), thread());
    const [first, second] = wire.sent();
    expect(second).toEqual(first);
    expect(upgrades(events)).toEqual([]);
  });

  test("helps an execution whose manifest is gone", async () => {
    const saver = new MemorySaver();
    const agent = (): TestGraph =>
      deploy({
        model: modelOf(monday, wire.endpoint().url),
        prompt: monday.prompt,
        tools: toolsOf(monday),
        checkpointer: saver,
        middleware: [configFreezeMiddleware({ store: memoryStore() })],
      });
    await agent().invoke(input(), thread());
    expect(await codeOf(agent().invoke(resume(), thread()))).toBe("manifest-missing");
    await upgradeExecution(agent(), thread(), why);
    expect(await codeOf(agent().invoke(resume(), thread()))).toBeUndefined();
  });
});

describe("upgradeExecution refuses with a code", () => {
  test("a thread that holds no execution", async () => {
    const { agent } = deployments();
    const upgrade = upgradeExecution(agent(monday), thread("nobody"), why);
    expect(await codeOf(upgrade)).toBe("execution-unknown");
  });

  test("a graph without config-freeze, a bare one, and native createAgent", async () => {
    const model = modelOf(monday, wire.endpoint().url);
    const bare = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({
        messages: [await wrapModel(model).invoke(messages)],
      }))
      .addEdge(START, "agent")
      .compile({ checkpointer: new MemorySaver() });
    const native = createAgent({ model, tools: [], middleware: [configFreezeMiddleware()] });
    for (const graph of [bare, withMiddleware(bare, []), native]) {
      expect(await codeOf(upgradeExecution(graph, thread(), why))).toBe("invalid-graph");
    }
  });

  test.each<[string, unknown]>([
    ["no reason", { actor: "ada" }],
    ["an empty actor", { reason: "r", actor: "" }],
    ["no options", undefined],
    ["an audit store that is none", { ...why, audit: {} }],
  ])("%s", async (_title, options) => {
    const { agent } = deployments();
    const upgrade = upgradeExecution(agent(monday), thread(), options as UpgradeOptions);
    expect(await codeOf(upgrade)).toBe("invalid-options");
  });
});
