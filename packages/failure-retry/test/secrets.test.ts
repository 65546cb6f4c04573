import { redactTraces, withMiddleware, wrapModel } from "@evenkeel/core";
import { startLangSmithEndpoint, startOpenAIEndpoint } from "@evenkeel/testing";
import type { LangSmithEndpoint } from "@evenkeel/testing";
import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { HumanMessage } from "@langchain/core/messages";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { MemorySaver } from "@langchain/langgraph";
import { ToolNode, createReactAgent } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { Client } from "langsmith";
import { expect, test } from "vitest";

import { failureRetryMiddleware } from "../src/index.ts";
import { QUICK, toolOf } from "./support/shop.ts";

// Of known forms, planted where an agent meets them.
const SECRETS = {
  argument: "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD",
  password: "correct-horse-battery",
  result: "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
  header:
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
  url: "hunter22",
};
const ADDRESS = `postgres://admin:${SECRETS.url}@db.internal/orders`;

/** Which planted secrets a text holds. */
function leaks(value: unknown): string[] {
  const text = JSON.stringify(value) ?? "";
  return Object.entries(SECRETS).flatMap(([name, secret]) => (text.includes(secret) ? [name] : []));
}

interface Ran {
  /** The body of the last call of the model. */
  readonly told: string;
  /** What lies in the thread's checkpoints, by channel. */
  readonly kept: ReadonlyMap<string, unknown[]>;
  readonly langsmith: LangSmithEndpoint;
}

/** An agent whose second tool fails, with secrets in all it is given, gives and throws. */
async function run(
  wraps: (agent: ReturnType<typeof createReactAgent>) => unknown,
  sends: (client: Client) => Client = (client) => client,
): Promise<Ran> {
  let calls = 0;
  const endpoint = await startOpenAIEndpoint({
    script: () => {
      calls += 1;
      const { argument: apiKey, password } = SECRETS;
      if (calls === 1) return { toolCalls: [{ name: "list", args: { apiKey, password } }] };
      if (calls === 2)
        return { toolCalls: [{ name: "fetch", args: { url: `${ADDRESS}?key=${apiKey}` } }] };
      return { content: "I could not fetch it." };
    },
  });
  const langsmith = await startLangSmithEndpoint();
  const client = sends(new Client({ apiUrl: langsmith.url, apiKey: "none-needed-locally" }));
  const checkpointer = new MemorySaver();
  const cause = Object.assign(new Error(`denied: Bearer ${SECRETS.header}`), {
    token: SECRETS.result,
  });
  const tools = [
    toolOf("list", () =>
      JSON.stringify({ token: SECRETS.result, password: SECRETS.password, rows: [1, 2] }),
    ),
    toolOf("fetch", () => {
      throw new Error(
        `${"x".repeat(400)} ${ADDRESS} Authorization: Bearer ${SECRETS.header}, password=${SECRETS.password}`,
        { cause },
      );
    }),
  ];
  const agent = wraps(
    createReactAgent({
      llm: wrapModel(
        new ChatOpenAI({
          model: "gpt-5.2",
          apiKey: "x",
          maxRetries: 0,
          configuration: { baseURL: endpoint.url },
        }),
      ),
      tools: new ToolNode(tools, { handleToolErrors: false }),
      checkpointer,
    }),
  ) as ReturnType<typeof createReactAgent>;
  const config = { configurable: { thread_id: "t" }, callbacks: [new LangChainTracer({ client })] };
  await agent.invoke({ messages: [new HumanMessage("Fetch the orders.")] }, config).catch(() => {});
  await awaitAllCallbacks();
  await client.awaitPendingTraceBatches();
  const kept = new Map<string, unknown[]>();
  const keep = (channel: string, value: unknown): void =>
    void kept.set(channel, [...(kept.get(channel) ?? []), value]);
  for await (const tuple of checkpointer.list({ configurable: { thread_id: "t" } })) {
    for (const entry of Object.entries(tuple.checkpoint.channel_values)) keep(...entry);
    for (const [, channel, value] of tuple.pendingWrites ?? []) keep(channel, value);
    keep("metadata", tuple.metadata);
  }
  await Promise.all([endpoint.close(), langsmith.close()]);
  return { told: JSON.stringify(endpoint.requests.at(-1)?.body), kept, langsmith };
}

const retried = (agent: ReturnType<typeof createReactAgent>): unknown =>
  withMiddleware(agent, [failureRetryMiddleware(QUICK)]);

/** The channels in which planted secrets lie. */
const leaky = ({ kept }: Ran): string[] =>
  [...kept].filter(([, values]) => leaks(values).length > 0).map(([channel]) => channel);

/** The runs of a trace that hold planted secrets, by name and field. */
const leakyRuns = ({ langsmith }: Ran): string[] =>
  langsmith.runs.flatMap(({ name, inputs, outputs, error, metadata, tags, events }) =>
    Object.entries({ inputs, outputs, error, metadata, tags, events }).flatMap(([field, value]) =>
      leaks(value).length > 0 ? [`${name}.${field}`] : [],
    ),
  );

test("the bare graph writes them into its messages, its errors and its trace", async () => {
  const bare = await run((agent) => agent);
  expect(leaky(bare)).toEqual(expect.arrayContaining(["messages", "__error__"]));
  expect(leaks(bare.kept.get("__error__"))).toEqual(["password", "header", "url"]);
  expect(leaks(bare.langsmith.requests).length).toBeGreaterThan(0);
  expect(leakyRuns(bare)).toEqual(
    expect.arrayContaining(["fetch.inputs", "fetch.error", "list.outputs", "tools.error"]),
  );
});

test("the next attempt's context, the errors in the checkpoint and all private state hold none", async () => {
  const ran = await run(retried);
  expect(ran.told).toContain("1. list");
  expect(ran.told).toContain("2. fetch");
  expect(leaks(ran.told)).toEqual([]);
  // The failed attempt's own calls stay in its messages: LangGraph runs and replays them from there.
  const messages = new Set(["messages", "branch:to:tools", "__pregel_tasks"]);
  expect(leaky(ran).filter((channel) => !messages.has(channel))).toEqual([]);
  expect(JSON.stringify(ran.kept.get("__error__"))).toContain("[redacted]");
  expect(JSON.stringify(ran.kept.get("_execution"))).toContain('"attempt":2');
  expect(ran.kept.get("_failureRetry")?.length).toBeGreaterThan(0);
});

test("no run of a later attempt holds any, nor does the run around all attempts where one of them counts", async () => {
  const { langsmith } = await run(retried);
  const [root] = langsmith.roots();
  const attempts = langsmith.runs.filter(({ parent_run_id }) => parent_run_id === root?.id);
  const second = attempts.find(({ metadata }) => metadata["execution_attempt"] === 2);
  const below = langsmith.runs.filter(({ dotted_order }) =>
    dotted_order.startsWith(second?.dotted_order ?? "none"),
  );
  expect(below.length).toBeGreaterThan(1);
  expect(leaks(below)).toEqual([]);
  expect(leaks(root)).toEqual([]);
});

test("with redactTraces() nothing that is sent to LangSmith holds any", async () => {
  const ran = await run(retried, redactTraces);
  expect(leaks(ran.langsmith.requests)).toEqual([]);
  expect(leaks(ran.langsmith.runs)).toEqual([]);
  const failed = ran.langsmith.runs.filter(({ name }) => name === "fetch");
  expect(failed.map(({ error }) => error)).toEqual([
    expect.stringContaining("postgres://admin:[redacted]@db.internal/orders"),
  ]);
  const list = ran.langsmith.runs.find(({ name }) => name === "list");
  expect(JSON.stringify(list)).toContain("rows");
  const models = ran.langsmith.runs.filter(({ run_type }) => run_type === "llm");
  expect(JSON.stringify(models)).toContain("Fetch the orders.");
  // The usage that costs are worked out from is no secret.
  expect(JSON.stringify(models)).toMatch(/"(?:total|prompt|input)_?[tT]okens":\s*\d/);
});
