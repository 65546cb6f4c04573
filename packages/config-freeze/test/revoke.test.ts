import { ENVELOPE_KEY } from "@evenkeel/core";
import type { Envelope, EvenkeelEvent } from "@evenkeel/core";
import { replyByTurn } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import type { ToolMessage } from "@langchain/core/messages";
import { Command, MemorySaver } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";

import { configFreezeMiddleware } from "../src/index.ts";
import type { ConfigFreezeMiddlewareOptions, Revocation } from "../src/index.ts";
import { AGENT_SHAPES, codeOf, deploy, thread } from "./support/agent.ts";
import type { AgentShape, TestGraph } from "./support/agent.ts";
import { REFUND_TURNS, modelOf, monday, toolsOf, tuesday } from "./support/shop.ts";
import type { Release } from "./support/shop.ts";
import { useWire } from "./support/wire.ts";

const wire = useWire({ script: replyByTurn(REFUND_TURNS) });

class Thread {
  readonly saver = new MemorySaver();
  readonly events: EvenkeelEvent[] = [];
  readonly shape: AgentShape;

  constructor(shape: AgentShape = "StateGraph") {
    this.shape = shape;
  }

  agent(release: Release, options: ConfigFreezeMiddlewareOptions = {}): TestGraph {
    return deploy({
      shape: this.shape,
      model: modelOf(release, wire.endpoint().url),
      prompt: release.prompt,
      tools: toolsOf(release),
      checkpointer: this.saver,
      middleware: [configFreezeMiddleware(options)],
      events: this.events,
    });
  }

  start(release: Release, options?: ConfigFreezeMiddlewareOptions): Promise<unknown> {
    const input = { messages: [new HumanMessage("refund A1")] };
    return this.agent(release, options).invoke(input, thread());
  }

  resume(
    release: Release,
    options?: ConfigFreezeMiddlewareOptions,
  ): Promise<Record<string, unknown>> {
    return this.agent(release, options).invoke(new Command({ resume: "yes" }), thread());
  }

  revoked(): unknown[] {
    return this.events.filter(({ name }) => name === "revoked").map(({ detail }) => detail);
  }
}

const offered = (index: number): string[] =>
  ((wire.body(index)["tools"] ?? []) as { function: { name: string } }[]).map(
    ({ function: { name } }) => name,
  );

function codes(result: Record<string, unknown>): (string | undefined)[] {
  return (result["messages"] as ToolMessage[])
    .filter((message) => message.getType() === "tool")
    .map((message) => (message.additional_kwargs[ENVELOPE_KEY] as Envelope | undefined)?.code);
}

describe.each(AGENT_SHAPES)("a revoked tool in a %s", (shape) => {
  const revoke: Revocation = { tools: ["refund"] };

  test("is not offered to a frozen execution, and a call of it is answered with a code", async () => {
    const one = new Thread(shape);
    await one.start(monday);
    const result = await one.resume(monday, { revoke });
    expect(offered(0)).toEqual(["approve", "refund"]);
    expect(offered(1)).toEqual(["approve"]);
    expect(codes(result)).toEqual([undefined, "tool-revoked"]);
    expect(one.revoked()).toEqual([{ tool: "refund" }]);
  });

  test("is not offered by the first call of a site either", async () => {
    await new Thread(shape).start(monday, { revoke });
    expect(offered(0)).toEqual(["approve"]);
  });

  test("is not offered where drift only warns", async () => {
    const one = new Thread(shape);
    await one.start(monday);
    await one.resume({ ...monday, prompt: "You are strict." }, { revoke, onDrift: "warn" });
    expect(wire.sent()[1]?.prompt).toContain("strict");
    expect(offered(1)).toEqual(["approve"]);
  });
});

describe("a revoked model", () => {
  const revoke: Revocation = { models: ["gpt-5.2"] };

  test("gives way to the live one, with the frozen prompt and tools", async () => {
    const one = new Thread();
    await one.start(monday);
    await one.resume(tuesday, { revoke });
    expect(wire.body(1)["model"]).toBe("gpt-4.1");
    expect(wire.sent()[1]?.prompt).toContain("kind");
    expect(offered(1)).toEqual(["approve", "refund"]);
    expect(one.revoked()).toContainEqual({ site: "agent#0", model: "gpt-5.2" });
  });

  test("with no other configured ends the run with a code, frozen, new or merely warned of", async () => {
    const one = new Thread();
    await one.start(monday);
    const other = { ...monday, prompt: "You are strict." };
    expect(await codeOf(one.resume(monday, { revoke }))).toBe("model-revoked");
    expect(await codeOf(one.resume(other, { revoke, onDrift: "warn" }))).toBe("model-revoked");
    expect(await codeOf(new Thread().start(monday, { revoke }))).toBe("model-revoked");
    expect(wire.sent()).toHaveLength(1);
  });
});

describe("a revoked configuration", () => {
  const hashesOf = (one: Thread): { manifest: string; hash: string } =>
    one.events.find(({ name }) => name === "config-frozen")?.detail as never;

  test.each(["manifest", "hash"] as const)(
    "known by its %s is frozen anew to today's",
    async (key) => {
      const one = new Thread();
      await one.start(monday);
      const revoke = { configHashes: [hashesOf(one)[key]] };
      await one.resume(tuesday, { revoke });
      const [first, second] = wire.sent();
      expect(second?.prompt).toContain("strict");
      expect(second?.rest).toContain("gpt-4.1");
      expect(first?.rest).not.toBe(second?.rest);
      expect(one.revoked()).toEqual([{ configHash: revoke.configHashes[0] }]);
    },
  );

  test("stays on what it was frozen to anew", async () => {
    const one = new Thread();
    await one.start(monday);
    const revoke = { configHashes: [hashesOf(one).manifest] };
    await one.resume({ ...tuesday, tools: monday.tools }, { revoke });
    const before = wire.sent().length;
    await one
      .agent({ ...tuesday, prompt: "You are gone.", tools: monday.tools }, { revoke })
      .invoke(
        new Command({ update: { messages: [new HumanMessage("more")] }, goto: "agent" }),
        thread(),
      );
    const sent = wire.sent();
    expect(sent.length).toBeGreaterThan(before);
    expect(sent.at(-1)).toEqual(sent[1]);
    expect(one.revoked()).toHaveLength(1);
  });

  test("of no execution here changes nothing", async () => {
    const one = new Thread();
    await one.start(monday);
    await one.resume(tuesday, { revoke: { configHashes: ["0".repeat(64)] } });
    const [first, second] = wire.sent();
    expect(second).toEqual(first);
    expect(one.revoked()).toEqual([]);
  });
});

describe("revoke as a function", () => {
  test("is asked with every call", async () => {
    const one = new Thread();
    let now: Revocation = {};
    const revoke = async (): Promise<Revocation> => now;
    await one.start(monday, { revoke });
    now = { tools: ["refund"] };
    const result = await one.resume(monday, { revoke });
    expect(offered(0)).toEqual(["approve", "refund"]);
    expect(offered(1)).toEqual(["approve"]);
    expect(codes(result)).toContain("tool-revoked");
  });

  test.each<[string, () => never]>([
    [
      "throws",
      () => {
        throw new Error("no connection");
      },
    ],
    ["gives nothing", (() => undefined) as never],
    ["gives a name in place of a list", (() => ({ tools: "refund" })) as never],
    ["gives an unknown key", (() => ({ prompts: [] })) as never],
  ])("that %s ends the run with a code before the model is called", async (_title, revoke) => {
    const one = new Thread();
    expect(await codeOf(one.start(monday, { revoke }))).toBe("revocation-unavailable");
    expect(wire.sent()).toEqual([]);
  });
});
