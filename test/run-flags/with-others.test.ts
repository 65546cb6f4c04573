import { configFreezeMiddleware } from "@evenkeel/config-freeze";
import { memoryStore, withMiddleware, wrapModel } from "@evenkeel/core";
import type { AnyMiddleware, EvenkeelEvent, EvenkeelStore } from "@evenkeel/core";
import { failureRetryMiddleware } from "@evenkeel/failure-retry";
import { budgetMiddleware } from "@evenkeel/limits";
import { loopDetectionMiddleware } from "@evenkeel/loop-detection";
import { runFlagsMiddleware } from "@evenkeel/run-flags";
import type { KeptRun } from "@evenkeel/run-flags";
import { scriptedModel, startLangSmithEndpoint } from "@evenkeel/testing";
import type { LangSmithEndpoint } from "@evenkeel/testing";
import { toolResultOffloadMiddleware } from "@evenkeel/tool-result-offload";
import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { tool } from "@langchain/core/tools";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import {
  Command,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
  interrupt,
} from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { Client } from "langsmith";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";

type Script = Parameters<typeof scriptedModel>[0];

const look = { toolCalls: [{ name: "look_up", args: { item: "plums" } }] };
const ask = { toolCalls: [{ name: "ask", args: {} }] };
const large = { toolCalls: [{ name: "read_log", args: {} }] };
const pick = { toolCalls: [{ name: "pick", args: {} }] };
const done = { content: "There are 12 plums in the larder." };

const tools = [
  tool(() => "12 plums", {
    name: "look_up",
    description: "Looks up.",
    schema: z.object({ item: z.string() }),
  }),
  tool(() => String(interrupt("sure?")), {
    name: "ask",
    description: "Asks.",
    schema: z.object({}),
  }),
  tool(
    () => {
      throw new Error("the ladder is gone");
    },
    { name: "pick", description: "Picks.", schema: z.object({}) },
  ),
  tool(() => "line of a log\n".repeat(20_000), {
    name: "read_log",
    description: "Reads a log.",
    schema: z.object({}),
  }),
];

let langsmith: LangSmithEndpoint;
let client: Client;
let store: EvenkeelStore;
let events: EvenkeelEvent[];
beforeEach(async () => {
  langsmith = await startLangSmithEndpoint();
  client = new Client({ apiUrl: langsmith.url, apiKey: "none-needed-locally" });
  store = memoryStore();
  events = [];
});
afterEach(() => langsmith.close());

interface Setting {
  readonly checkpointer?: MemorySaver;
  readonly prompt?: string;
  readonly input?: unknown;
  /** Turns of the graph that fail, from 1. */
  readonly fails?: readonly number[];
  /** Whether the model hears of a failed tool, or the run fails. @default true */
  readonly handleToolErrors?: boolean;
}

/** Runs an agent with flags outermost but for `outer`, traced, and gives what was kept. */
async function run(
  script: Script,
  { outer = [], inner = [] }: { outer?: AnyMiddleware[]; inner?: AnyMiddleware[] },
  {
    checkpointer = new MemorySaver(),
    prompt = "Be kind.",
    input,
    fails = [],
    handleToolErrors = true,
  }: Setting = {},
): Promise<KeptRun> {
  const flags = runFlagsMiddleware({ store, langsmith: { client } });
  const model = wrapModel(scriptedModel(script)).bindTools(tools);
  let turns = 0;
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => {
      turns += 1;
      if (fails.includes(turns)) throw new Error(`turn ${turns} failed`);
      return { messages: [await model.invoke([["system", prompt], ...messages])] };
    })
    .addNode("tools", new ToolNode(tools, { handleToolErrors }))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer });
  const agent = withMiddleware(graph, [...outer, flags, ...inner], {
    onEvent: (event) => events.push(event),
  });
  const question = { messages: [{ role: "user" as const, content: "How many plums are there?" }] };
  await agent
    .invoke((input ?? question) as typeof question, {
      configurable: { thread_id: "t" },
      callbacks: [new LangChainTracer({ client, projectName: "larder" })],
    })
    .catch(() => undefined);
  await awaitAllCallbacks();
  await client.awaitPendingTraceBatches();
  await flags.flush();
  const [record] = await store.listRecords({});
  return record?.facts["runFlags"] as KeptRun;
}

const rules = ({ judgement }: KeptRun): string[] =>
  (judgement?.flags ?? []).map(({ rule }) => rule);
const flagged = (): number => events.filter(({ name }) => name === "run-flagged").length;

describe("run flags beside failure-retry", () => {
  const retry = (verify?: (answer: { text: string }) => boolean): AnyMiddleware =>
    failureRetryMiddleware({ initialInterval: 1, ...(verify === undefined ? {} : { verify }) });

  test("judge a run by its last attempt, and say that there were others", async () => {
    const kept = await run([look, done, look, done], { inner: [retry()] }, { fails: [2] });
    expect(kept.report).toMatchObject({
      outcome: "completed",
      attempts: 2,
      events: { "attempt-failed": 1, "attempt-started": 1 },
    });
    expect(rules(kept)).toEqual(["retried"]);
    expect(flagged()).toBe(0);
    expect(langsmith.feedback).toEqual([]);
    expect(langsmith.roots()).toHaveLength(1);
  });

  test.each([
    { restart: "start", again: [look, done], standing: ["look_up"] },
    { restart: "last-decision", again: [done], standing: ["look_up"] },
  ] as const)(
    "judge no call of an attempt that was begun again from its $restart",
    async ({ restart, again, standing }) => {
      const replies = [look, pick, ...again];
      let calls = 0;
      const script: Script = () => replies[(calls += 1) - 1] ?? done;
      const retries = failureRetryMiddleware({ initialInterval: 1, restart });
      const kept = await run(script, { inner: [retries] }, { handleToolErrors: false });
      expect(kept.report).toMatchObject({ outcome: "completed", attempts: 2, failedCalls: 1 });
      expect(kept.report.toolCalls).toBe(1 + again.length);
      expect(kept.report.calls.map(({ tool: called }) => called)).toEqual(standing);
      expect(rules(kept)).toEqual(["retried"]);
    },
  );

  test("say nothing of an answer that was rejected before it was final", async () => {
    const sorry = { content: "I'm sorry, I could not find any. Could you please specify?" };
    const verify = ({ text }: { text: string }): boolean => text.includes("12");
    const replies = [sorry, look, done];
    let calls = 0;
    const script: Script = () => replies[(calls += 1) - 1] ?? done;
    const kept = await run(script, { inner: [retry(verify)] });
    expect(kept.report).toMatchObject({ outcome: "completed", attempts: 2 });
    expect(flagged()).toBe(0);
    expect(langsmith.feedback).toEqual([]);
  });

  test("flag a run whose every attempt failed, once, on the root of its trace", async () => {
    const kept = await run([look, done], { inner: [retry()] }, { fails: [1, 2, 3] });
    expect(kept.report).toMatchObject({ outcome: "failed", attempts: 3 });
    expect(rules(kept)).toEqual(expect.arrayContaining(["ended-in-error", "retried"]));
    expect(flagged()).toBe(1);
    const [root] = langsmith.roots();
    expect(root?.tags).toContain("evenkeel:flag:ended-in-error");
    expect(langsmith.feedback).toMatchObject([{ run_id: root?.id, score: 1 }]);
  });
});

describe("run flags beside config-freeze", () => {
  test("know the configuration, and that it drifted", async () => {
    const checkpointer = new MemorySaver();
    await run([ask, done], { outer: [configFreezeMiddleware()] }, { checkpointer });
    const kept = await run(
      [ask, done],
      { outer: [configFreezeMiddleware()] },
      { checkpointer, prompt: "Be strict.", input: new Command({ resume: "yes" }) },
    );
    expect(kept.report.manifestHash).toMatch(/^[0-9a-f]{64}$/);
    expect(kept.report.drift.join()).toContain("prompt");
    expect(rules(kept)).toContain("config-drift");
    const [root] = langsmith.roots();
    expect(root?.metadata["evenkeel_config_hash"]).toBe(kept.report.manifestHash);
  });
});

describe("run flags beside the others", () => {
  test("loop-detection: the loop, how heavy, and from which call", async () => {
    const kept = await run([look, look, look, look, look, look, look, done], {
      inner: [loopDetectionMiddleware()],
    });
    expect(kept.report.loop).toMatchObject({ kind: "same-call-same-result", action: "block" });
    expect(rules(kept)).toContain("loop");
    expect(rules(kept)).not.toContain("repeated-call");
  });

  test("limits: the budget that is nearly spent, by name", async () => {
    const kept = await run([look, look, done], {
      inner: [budgetMiddleware({ perExecution: { modelCalls: 3 }, warnAt: 0.9 })],
    });
    expect(kept.report).toMatchObject({ budgetSpent: 1 });
    expect(kept.judgement?.flags).toContainEqual(
      expect.objectContaining({ rule: "budget-nearly-spent" }),
    );
  });

  test("limits: a budget it warned of once, by its defaults, and nothing of one it did not", async () => {
    const looks = (count: number) => Array.from({ length: count }, () => look);
    const inner = () => [budgetMiddleware({ perExecution: { toolCalls: 10 } })];
    const warned = await run([...looks(8), done], { inner: inner() });
    expect(warned.report.budgetSpent).toBeLessThan(0.9);
    expect(warned.judgement?.flags).toContainEqual(
      expect.objectContaining({ rule: "budget-nearly-spent", severity: "low" }),
    );
    const half = await run([...looks(5), done], { inner: inner() });
    expect(rules(half)).not.toContain("budget-nearly-spent");
  });

  test("tool-result-offload: how many results lie elsewhere; the context is what the model saw", async () => {
    const outside = await run([large, done], { inner: [toolResultOffloadMiddleware({ store })] });
    expect(outside.report.offloads).toBe(1);
    expect(rules(outside)).not.toContain("large-result");
    store = memoryStore();
    const inside = await run([large, done], {});
    expect(rules(inside)).toContain("large-result");
  });
});
