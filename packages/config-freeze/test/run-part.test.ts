import { createRequire } from "node:module";

import { defineMiddleware, withMiddleware } from "@evenkeel/core";
import type { AnyMiddleware, EvenkeelEvent } from "@evenkeel/core";
import { replyByTurn } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import {
  Annotation,
  Command,
  END,
  MemorySaver,
  START,
  StateGraph,
  interrupt,
} from "@langchain/langgraph";
import { afterEach, describe, expect, test } from "vitest";

import { configFreezeMiddleware } from "../src/index.ts";
import type { ConfigFreezeMiddlewareOptions } from "../src/index.ts";
import { codeOf, deploy, thread } from "./support/agent.ts";
import type { TestGraph } from "./support/agent.ts";
import { stateOf } from "./support/rewrite-state.ts";
import { REFUND_TURNS, modelOf, monday, toolsOf } from "./support/shop.ts";
import { useWire } from "./support/wire.ts";

const wire = useWire({ script: replyByTurn(REFUND_TURNS) });

interface RunBody {
  recursionLimit: number;
  context: Record<string, unknown>;
  configurable: Record<string, unknown>;
  graph: { fingerprint: string; nodes: string[]; edges: [string, string][] };
  middleware: { name: string; options: Record<string, unknown> }[];
  packages: Record<string, string>;
  assistantId: string | null;
}

async function runBody(saver: MemorySaver): Promise<RunBody> {
  const { sealed } = await stateOf(saver, "_config");
  return (sealed as { body: RunBody }).body;
}

/** Pauses once, then turns round twenty times; tells what its nodes see of the run's config. */
function wheel(
  saver: MemorySaver,
  options: ConfigFreezeMiddlewareOptions | null,
): { graph: TestGraph; seen: LangGraphRunnableConfig[] } {
  const seen: LangGraphRunnableConfig[] = [];
  const State = Annotation.Root({
    turns: Annotation<number>({ reducer: (one, more) => one + more, default: () => 0 }),
  });
  const graph = new StateGraph(State)
    .addNode("pause", async (_state, config) => {
      seen.push(config);
      interrupt("wait");
      return {};
    })
    .addNode("turn", async () => ({ turns: 1 }))
    .addEdge(START, "pause")
    .addEdge("pause", "turn")
    .addConditionalEdges("turn", ({ turns }) => (turns < 20 ? "turn" : END), ["turn", END])
    .compile({ checkpointer: saver });
  const stack = options === null ? undefined : [configFreezeMiddleware(options)];
  return {
    seen,
    graph: stack === undefined ? graph : withMiddleware(graph, stack),
  };
}

const resume = new Command({ resume: true });

describe("recursionLimit", () => {
  test("of the first part holds for the resumed one", async () => {
    const saver = new MemorySaver();
    await wheel(saver, {}).graph.invoke({}, thread("thread-1", { recursionLimit: 40 }));
    const next = wheel(saver, {}).graph.invoke(resume, thread("thread-1", { recursionLimit: 10 }));
    expect(await next).toMatchObject({ turns: 20 });
  });

  test("bound with withConfig is frozen as well", async () => {
    const saver = new MemorySaver();
    const first = wheel(saver, {}).graph.withConfig({ recursionLimit: 40 });
    await first.invoke({}, thread());
    const next = wheel(saver, {}).graph.withConfig({ recursionLimit: 10 });
    expect(await next.invoke(resume, thread())).toMatchObject({ turns: 20 });
    expect((await runBody(saver)).recursionLimit).toBe(40);
  });

  test("of the resumed part counts without the middleware", async () => {
    const saver = new MemorySaver();
    await wheel(saver, null).graph.invoke({}, thread("thread-1", { recursionLimit: 40 }));
    const next = wheel(saver, null).graph.invoke(
      resume,
      thread("thread-1", { recursionLimit: 10 }),
    );
    await expect(next).rejects.toThrow(/Recursion limit/);
  });

  test("is LangGraph's own 25 where none was given", async () => {
    const saver = new MemorySaver();
    await wheel(saver, {}).graph.invoke({}, thread());
    expect((await runBody(saver)).recursionLimit).toBe(25);
  });
});

describe("include", () => {
  const include = { context: ["plan", "seats"], configurable: ["region"] };

  test("freezes named keys of context and configurable, and no other", async () => {
    const saver = new MemorySaver();
    const monday = { context: { plan: "gold", user: "ada" }, configurable: { region: "eu" } };
    const tuesday = {
      context: { plan: "free", seats: 3, user: "bob" },
      configurable: { region: "us" },
    };
    await wheel(saver, { include }).graph.invoke({}, thread("thread-1", monday));
    const next = wheel(saver, { include });
    await next.graph.invoke(resume, thread("thread-1", tuesday));
    expect(next.seen[0]?.["context"]).toEqual({ plan: "gold", user: "bob" });
    expect(next.seen[0]?.configurable).toMatchObject({ region: "eu", thread_id: "thread-1" });
    const { context, configurable } = await runBody(saver);
    expect({ context, configurable }).toEqual({
      context: { plan: "gold" },
      configurable: { region: "eu" },
    });
  });

  test("gives a resume without context the frozen keys, and calls that no drift", async () => {
    const saver = new MemorySaver();
    const given = thread("thread-1", { context: { plan: "gold" } });
    await wheel(saver, { include, onDrift: "error" }).graph.invoke({}, given);
    const next = wheel(saver, { include, onDrift: "error" });
    await next.graph.invoke(resume, thread());
    expect(next.seen[0]?.["context"]).toEqual({ plan: "gold" });
  });

  test("that today's code no longer names still holds", async () => {
    const saver = new MemorySaver();
    const given = thread("thread-1", { context: { plan: "gold" } });
    await wheel(saver, { include }).graph.invoke({}, given);
    const next = wheel(saver, {});
    await next.graph.invoke(resume, thread("thread-1", { context: { plan: "free" } }));
    expect(next.seen[0]?.["context"]).toEqual({ plan: "gold" });
  });

  test("of a key that holds a secret ends the run with a code", async () => {
    const { graph } = wheel(new MemorySaver(), { include: { context: ["apiKey"] } });
    const run = graph.invoke({}, thread("thread-1", { context: { apiKey: "hunter2hunter2" } }));
    expect(await codeOf(run)).toBe("config-invalid");
  });
});

interface Options {
  threshold?: number;
  limits?: unknown;
  check?: (value: string) => string;
  apiKey?: string;
}

/** A middleware that tells which options its hooks run under. */
function watching(options: Options, seen: [string, Options][]): AnyMiddleware {
  return defineMiddleware<Options>({
    name: "watchingMiddleware",
    options,
    wrapRun: async (request, handler, context) => {
      seen.push(["run", context.options]);
      return handler(request);
    },
    wrapModelCall: async (request, handler, context) => {
      seen.push(["model", context.options]);
      return handler(request);
    },
    wrapToolCall: async (request, handler, context) => {
      seen.push(["tool", context.options]);
      return handler(request);
    },
  });
}

async function resumedOptions(
  shape: "StateGraph" | "createAgent",
  before: Options,
  after: Options,
): Promise<{ saver: MemorySaver; seen: [string, Options][]; events: EvenkeelEvent[] }> {
  const saver = new MemorySaver();
  const events: EvenkeelEvent[] = [];
  const agent = (options: Options, seen: [string, Options][]): TestGraph =>
    deploy({
      shape,
      model: modelOf(monday, wire.endpoint().url),
      prompt: monday.prompt,
      tools: toolsOf(monday),
      checkpointer: saver,
      middleware: [configFreezeMiddleware(), watching(options, seen)],
      events,
    });
  await agent(before, []).invoke({ messages: [new HumanMessage("refund A1")] }, thread());
  const seen: [string, Options][] = [];
  await agent(after, seen).invoke(new Command({ resume: "yes" }), thread());
  return { saver, seen, events };
}

describe("the options of another middleware", () => {
  test.each(["StateGraph", "createAgent"] as const)(
    "keep the threshold the execution began with, in all hooks of a %s",
    async (shape) => {
      const { seen } = await resumedOptions(shape, { threshold: 3 }, { threshold: 9 });
      expect(new Set(seen.map(([hook]) => hook))).toEqual(new Set(["run", "model", "tool"]));
      expect(seen.map(([, { threshold }]) => threshold)).toEqual(seen.map(() => 3));
    },
  );

  test("that are functions come from the live process, in lists and below as well", async () => {
    const old = (value: string): string => `old ${value}`;
    const fresh = (value: string): string => `new ${value}`;
    const { seen } = await resumedOptions(
      "StateGraph",
      { check: old, limits: [{ check: old, most: 1 }] },
      { check: fresh, limits: [{ check: fresh, most: 2 }] },
    );
    expect(seen[0]?.[1]).toEqual({ check: fresh, limits: [{ check: fresh, most: 1 }] });
  });

  test("come back as what they were where JSON has no word for them", async () => {
    const before = { limits: { most: Infinity, exact: 12n, names: /^re.*d$/iu } };
    const after = { limits: { most: 5, exact: 13n, names: /x/ } };
    const { seen } = await resumedOptions("StateGraph", before, after);
    expect(seen[0]?.[1]).toEqual(before);
  });

  test("that a newer release added come from the live process", async () => {
    const { seen } = await resumedOptions("StateGraph", {}, { threshold: 9 });
    expect(seen[0]?.[1]).toEqual({ threshold: 9 });
  });

  test("that hold a secret are not stored, and come from the live process", async () => {
    const { saver, seen } = await resumedOptions(
      "StateGraph",
      { threshold: 3, apiKey: "hunter2-monday" },
      { threshold: 9, apiKey: "hunter2-tuesday" },
    );
    expect(seen[0]?.[1]).toEqual({ threshold: 3, apiKey: "hunter2-tuesday" });
    expect(JSON.stringify(await stateOf(saver, "_config"))).not.toContain("hunter2");
  });

  test("are reported as drift under the middleware's name", async () => {
    const { events } = await resumedOptions("StateGraph", { threshold: 3 }, { threshold: 9 });
    expect(events.find(({ name }) => name === "config-drifted")?.detail).toMatchObject({
      where: "run",
      fields: [{ field: "middleware.watchingMiddleware.threshold", frozen: 3, live: 9 }],
    });
  });
});

describe("EVENKEEL_MODE", () => {
  afterEach(() => {
    delete process.env["EVENKEEL_MODE"];
  });

  test("is live: it switches a frozen execution to observing, which is no drift", async () => {
    const saver = new MemorySaver();
    const events: EvenkeelEvent[] = [];
    const agent = (release: typeof monday): TestGraph =>
      deploy({
        model: modelOf(release, wire.endpoint().url),
        prompt: release.prompt,
        tools: toolsOf(release),
        checkpointer: saver,
        middleware: [configFreezeMiddleware({ onDrift: "error" })],
        events,
      });
    const input = { messages: [new HumanMessage("refund A1")] };
    await agent(monday).invoke(input, thread());
    process.env["EVENKEEL_MODE"] = "configFreezeMiddleware=observe";
    await agent(monday).invoke(new Command({ resume: "yes" }), thread());
    expect(events.filter(({ name }) => name === "config-drifted")).toEqual([]);
    expect(wire.sent()).toHaveLength(3);
  });
});

describe("the run's part of the manifest", () => {
  test("holds graph, packages and, from a server, the assistant", async () => {
    const saver = new MemorySaver();
    const given = thread("thread-1", { configurable: { assistant_id: "assistant-1" } });
    await wheel(saver, {}).graph.invoke({}, given);
    const { graph, packages, assistantId } = await runBody(saver);
    expect(graph.nodes).toEqual(["pause", "turn"]);
    expect(graph.edges).toContainEqual(["pause", "turn"]);
    expect(graph.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    const { version } = createRequire(import.meta.url)("@langchain/langgraph/package.json") as {
      version: string;
    };
    expect(packages).toMatchObject({ "@langchain/langgraph": version });
    expect(assistantId).toBe("assistant-1");
  });

  test("takes no superstep and no checkpoint of its own", async () => {
    const count = async (options: ConfigFreezeMiddlewareOptions | null): Promise<number> => {
      const saver = new MemorySaver();
      await wheel(saver, options).graph.invoke({}, thread());
      await wheel(saver, options).graph.invoke(resume, thread());
      let checkpoints = 0;
      for await (const _tuple of saver.list({ configurable: { thread_id: "thread-1" } })) {
        checkpoints += 1;
      }
      return checkpoints;
    };
    expect(await count({ config: () => ({ tone: "kind" }) })).toBe(await count(null));
  });
});
