import type { EvenkeelEvent } from "@evenkeel/core";
import { replyByTurn } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import { Command, MemorySaver } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";

import { differencesBetween, reportable } from "../src/drift/drift.ts";
import { configFreezeMiddleware } from "../src/index.ts";
import type { ConfigFreezeMiddlewareOptions, DriftDecision } from "../src/index.ts";
import { AGENT_SHAPES, codeOf, deploy, thread } from "./support/agent.ts";
import type { AgentShape } from "./support/agent.ts";
import { REFUND_TURNS, modelOf, monday, toolsOf, tuesday } from "./support/shop.ts";
import { useWire } from "./support/wire.ts";

const wire = useWire({ script: replyByTurn(REFUND_TURNS) });

async function resumed(
  options: ConfigFreezeMiddlewareOptions,
  shape: AgentShape = "StateGraph",
): Promise<{ code: string | undefined; events: EvenkeelEvent[] }> {
  const saver = new MemorySaver();
  const events: EvenkeelEvent[] = [];
  const agent = (release: typeof monday, into: EvenkeelEvent[]): ReturnType<typeof deploy> =>
    deploy({
      shape,
      model: modelOf(release, wire.endpoint().url),
      prompt: release.prompt,
      tools: toolsOf(release),
      checkpointer: saver,
      middleware: [configFreezeMiddleware(options)],
      events: into,
    });
  await agent(monday, []).invoke({ messages: [new HumanMessage("refund A1")] }, thread());
  const run = agent(tuesday, events).invoke(new Command({ resume: "yes" }), thread());
  return { code: await codeOf(run), events };
}

const drifts = (events: EvenkeelEvent[]): EvenkeelEvent[] =>
  events.filter(({ name }) => name === "config-drifted");

describe.each(AGENT_SHAPES)("onDrift in a %s", (shape) => {
  test('"use-frozen" is the default: frozen requests, one report', async () => {
    const { code, events } = await resumed({}, shape);
    expect(code).toBeUndefined();
    const [first, ...later] = wire.sent();
    expect(later).toEqual([first, first]);
    expect(drifts(events)).toHaveLength(1);
    expect(drifts(events)[0]).toMatchObject({ severity: "medium", failure: "environment-drift" });
  });

  test('"warn" calls the live model with the live prompt and tools, and reports', async () => {
    const { code, events } = await resumed({ onDrift: "warn" }, shape);
    expect(code).toBeUndefined();
    const [first, second] = wire.sent();
    expect(second?.prompt).toContain("strict");
    expect(second?.rest).toContain("gpt-4.1");
    expect(second?.rest).toContain("cancel");
    expect(first?.rest).not.toBe(second?.rest);
    expect(drifts(events)).toHaveLength(1);
  });

  test('"error" ends the run with a code before the model is called', async () => {
    const { code, events } = await resumed({ onDrift: "error" }, shape);
    expect(code).toBe("config-drifted");
    expect(wire.sent()).toHaveLength(1);
    expect(drifts(events)).toHaveLength(1);
  });
});

describe("onDrift as a function", () => {
  test("is asked where, and with every field that differs", async () => {
    const asked: Parameters<DriftDecision>[0][] = [];
    await resumed({
      onDrift: (drift) => {
        asked.push(drift);
        return "use-frozen";
      },
    });
    expect(asked).toHaveLength(1);
    expect(asked[0]?.where).toBe("agent#0");
    expect(asked[0]?.differences).toContainEqual({
      field: "model.parameters.temperature",
      frozen: 0.1,
      live: 0.9,
    });
  });

  test("decides place by place", async () => {
    const { code } = await resumed({
      onDrift: ({ where }) => (where === "agent#0" ? "warn" : "error"),
    });
    expect(code).toBeUndefined();
    expect(wire.sent()[1]?.prompt).toContain("strict");
  });

  test("is not asked where nothing differs", async () => {
    let asked = 0;
    const saver = new MemorySaver();
    const agent = (): ReturnType<typeof deploy> =>
      deploy({
        model: modelOf(monday, wire.endpoint().url),
        prompt: monday.prompt,
        tools: toolsOf(monday),
        checkpointer: saver,
        middleware: [configFreezeMiddleware({ onDrift: () => ((asked += 1), "error") })],
      });
    await agent().invoke({ messages: [new HumanMessage("refund A1")] }, thread());
    await agent().invoke(new Command({ resume: "yes" }), thread());
    expect(asked).toBe(0);
  });

  test("that answers anything else ends the run with a code", async () => {
    const { code } = await resumed({ onDrift: (() => Promise.resolve("warn")) as never });
    expect(code).toBe("invalid-options");
  });
});

describe("a user's config that changed", () => {
  async function resumedConfig(options: ConfigFreezeMiddlewareOptions): Promise<EvenkeelEvent[]> {
    const saver = new MemorySaver();
    const events: EvenkeelEvent[] = [];
    const agent = (tone: string): ReturnType<typeof deploy> =>
      deploy({
        model: modelOf(monday, wire.endpoint().url),
        prompt: monday.prompt,
        tools: toolsOf(monday),
        checkpointer: saver,
        middleware: [configFreezeMiddleware({ ...options, config: () => ({ tone }) })],
        events,
      });
    await agent("kind").invoke({ messages: [new HumanMessage("refund A1")] }, thread());
    await codeOf(agent("strict").invoke(new Command({ resume: "yes" }), thread()));
    return drifts(events);
  }

  test("is not looked at by default, since it is evaluated once", async () => {
    expect(await resumedConfig({})).toEqual([]);
  });

  test("is compared where drift is to warn or to fail", async () => {
    const [event] = await resumedConfig({ onDrift: "error" });
    expect(event?.detail).toMatchObject({
      where: "run",
      answer: "error",
      fields: [{ field: "config.tone", frozen: "kind", live: "strict" }],
    });
  });
});

describe("a report of differences", () => {
  test("names each field, in a stable order, whatever the order of keys", () => {
    const frozen = { b: 1, a: { y: [1, 2], x: 0 } };
    const live = { a: { x: 0, y: [1, 3, 4] }, b: 2 };
    expect(differencesBetween(frozen, live).map(({ field }) => field)).toEqual([
      "a.y[1]",
      "a.y[2]",
      "b",
    ]);
  });

  test("carries no prompt, no description and no long text, but their hashes", () => {
    const secretive = "You are kind to everybody who writes.";
    const text = JSON.stringify(
      reportable([
        { field: "prompt[0].content", frozen: secretive, live: "Be kind." },
        { field: "tools.refund.description", frozen: "Pays back.", live: "Pays back at once." },
        { field: "tools.cancel", frozen: undefined, live: { name: "cancel" } },
        { field: "config.policy", frozen: secretive.repeat(3), live: "none" },
      ]),
    );
    expect(text).not.toMatch(/kind|Pays back|cancel"}/);
    expect(text).toContain("sha256:");
    expect(text).toContain('"live":"none"');
  });

  test("masks what a field's name says is a secret", () => {
    const text = JSON.stringify(
      reportable([{ field: "middleware.x.apiKey", frozen: "abc", live: "def" }]),
    );
    expect(text).not.toMatch(/abc|def/);
  });

  test("stops at 50 fields and counts the rest", () => {
    const many = Array.from({ length: 60 }, (_, at) => ({ field: `f${at}`, frozen: 0, live: at }));
    expect(reportable(many)).toMatchObject({ more: 10 });
  });
});
