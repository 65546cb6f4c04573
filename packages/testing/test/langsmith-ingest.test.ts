import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { getConfig, MessagesAnnotation, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { Client, uuid7 } from "langsmith";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";

import {
  type LangSmithEndpoint,
  type LangSmithEndpointOptions,
  startLangSmithEndpoint,
} from "../src/langsmith/endpoint.ts";
import type { LangSmithRun } from "../src/langsmith/run.ts";
import { renderTrace, type TraceNode } from "../src/langsmith/trace-tree.ts";
import { scriptedModel } from "../src/model/scripted-model.ts";

let endpoint: LangSmithEndpoint;
afterEach(() => endpoint.close());

async function start(options: LangSmithEndpointOptions = {}): Promise<Client> {
  endpoint = await startLangSmithEndpoint(options);
  return new Client({
    apiUrl: endpoint.url,
    apiKey: "key",
    callerOptions: { maxRetries: 0 },
    autoBatchTracing: true,
  });
}

const search = tool(({ query }) => `results for ${query}`, {
  name: "search",
  description: "Searches",
  schema: z.object({ query: z.string() }),
});

/** Marks the live root of the trace from inside a node, as run flags do. */
function markRoot(tag: string): void {
  const { callbacks } = getConfig();
  if (callbacks === undefined || Array.isArray(callbacks)) throw new Error("no callback manager");
  const tracer = callbacks.handlers.find((handler) => handler instanceof LangChainTracer);
  const current = tracer?.getRun(callbacks.getParentRunId() ?? "");
  const root = tracer?.getRun(current?.trace_id ?? "");
  if (root === undefined) throw new Error("no live root");
  root.tags = [...(root.tags ?? []), tag];
  root.extra = { ...root.extra, metadata: { ...root.extra?.["metadata"], evenkeel_mark: tag } };
}

function agent(onModelCall: () => void | Promise<void> = () => {}) {
  const model = scriptedModel([
    { toolCalls: [{ name: "search", args: { query: "tides" } }], usage: { promptTokens: 100 } },
    { content: "High at noon.", usage: { promptTokens: 150, completionTokens: 4 } },
  ]).bindTools([search]);
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => {
      await onModelCall();
      return { messages: [await model.invoke(messages)] };
    })
    .addNode("tools", new ToolNode([search]))
    .addEdge("__start__", "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile();
}

async function traced(
  client: Client,
  runId: string,
  onModelCall?: () => void | Promise<void>,
): Promise<void> {
  await agent(onModelCall).invoke(
    { messages: [new HumanMessage("When is high tide?")] },
    {
      runId,
      runName: "tide-agent",
      tags: ["nightly"],
      configurable: { thread_id: "thread-1" },
      callbacks: [new LangChainTracer({ client, projectName: "tides" })],
    },
  );
  await awaitAllCallbacks();
  await client.awaitPendingTraceBatches();
}

type Shape = [name: string, type: string, children: Shape[]];
function shapeOf({ run, children }: TraceNode<LangSmithRun>): Shape {
  return [run.name, run.run_type, children.map(shapeOf)];
}

const modelStep: Shape = [
  "agent",
  "chain",
  [
    ["ScriptedModel", "llm", []],
    ["RunnableLambda", "chain", []],
  ],
];
const expectedShape: Shape = [
  "tide-agent",
  "chain",
  [["__start__", "chain", []], modelStep, ["tools", "chain", [["search", "tool", []]]], modelStep],
];

function shapeOfTrace(id: string): Shape {
  const trace = endpoint.trace(id);
  if (trace === undefined) throw new Error(`no trace ${id}`);
  return shapeOf(trace);
}

describe("a traced graph", () => {
  test("arrives as one tree with inputs, outputs, tags, metadata and usage", async () => {
    const client = await start();
    const runId = uuid7();
    await traced(client, runId);
    expect(shapeOfTrace(runId)).toEqual(expectedShape);
    const [root, ...others] = endpoint.roots();
    expect(others).toEqual([]);
    expect(root).toMatchObject({
      id: runId,
      trace_id: runId,
      status: "success",
      tags: ["nightly"],
      thread_id: "thread-1",
      prompt_tokens: 250,
      outputs: { messages: [{}, {}, {}, {}] },
    });
    expect(root?.end_time).toBeDefined();
    expect(endpoint.projects.map(({ name }) => name)).toEqual(["tides"]);
    expect(endpoint.requests.map(({ path }) => path)).toContain("/runs/multipart");
    expect(renderTrace(endpoint.runs, { durationMs: () => undefined })).toBe(
      [
        "tide-agent            chain  success",
        "├─ __start__          chain  success",
        "├─ agent              chain  success",
        "│  ├─ ScriptedModel   llm    success",
        "│  └─ RunnableLambda  chain  success",
        "├─ tools              chain  success",
        "│  └─ search          tool   success",
        "└─ agent              chain  success",
        "   ├─ ScriptedModel   llm    success",
        "   └─ RunnableLambda  chain  success",
      ].join("\n"),
    );
  });

  test("shows what was marked on its live root while it ran", async () => {
    const client = await start();
    const runId = uuid7();
    await traced(client, runId, () => {
      markRoot("evenkeel:flag:loop");
    });
    const root = endpoint.trace(runId)?.run;
    expect(root?.tags).toContain("evenkeel:flag:loop");
    expect(root?.metadata["evenkeel_mark"]).toBe("evenkeel:flag:loop");
  });

  test("keeps the mark when the post went out long before the closing patch", async () => {
    const client = await start();
    const runId = uuid7();
    let calls = 0;
    await traced(client, runId, async () => {
      calls += 1;
      if (calls < 2) return;
      await client.flush();
      expect(endpoint.trace(runId)?.run.status).toBe("pending");
      markRoot("late");
    });
    const bodies = endpoint.requests.map(({ rawBody }) => rawBody);
    expect(bodies.some((body) => body.includes(`name="post.${runId}"`))).toBe(true);
    expect(bodies.some((body) => body.includes(`name="patch.${runId}"`))).toBe(true);
    expect(endpoint.trace(runId)?.run.tags).toEqual(["nightly", "late"]);
    expect(endpoint.trace(runId)?.run.status).toBe("success");
  });

  test.each([
    { options: { gzip: true }, path: "/runs/multipart", encoding: "gzip" },
    { options: { multipart: false }, path: "/runs/batch", encoding: undefined },
  ])("arrives alike with $options", async ({ options, path, encoding }) => {
    const client = await start(options);
    const runId = uuid7();
    await traced(client, runId);
    expect(shapeOfTrace(runId)).toEqual(expectedShape);
    const sent = endpoint.requests.find(({ method }) => method === "POST");
    expect(sent?.path).toBe(path);
    expect(sent?.headers["content-encoding"]).toBe(encoding);
  });

  test("arrives as a batch where the multipart route is missing", async () => {
    const client = await start();
    endpoint.fail({ status: 404 }, { path: "/runs/multipart" });
    const runId = uuid7();
    await traced(client, runId);
    expect(shapeOfTrace(runId)).toEqual(expectedShape);
  });

  test("that fails has its error on every run up to the root", async () => {
    const client = await start();
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("agent", () => {
        throw new Error("the tide tables burned");
      })
      .addEdge("__start__", "agent")
      .compile();
    const tracer = new LangChainTracer({ client });
    await expect(graph.invoke({ messages: [] }, { callbacks: [tracer] })).rejects.toThrow("burned");
    await awaitAllCallbacks();
    await client.awaitPendingTraceBatches();
    expect(endpoint.runs).toMatchObject([
      { name: "LangGraph", status: "error", error: expect.stringContaining("tables burned") },
      { name: "__start__", status: "success" },
      { name: "agent", status: "error", error: expect.stringContaining("tables burned") },
    ]);
  });
});

describe("runs sent one by one", () => {
  const fields = { name: "n", run_type: "chain", inputs: { a: 1 }, project_name: "p" } as const;

  test("are created and updated at once where they have no dotted order", async () => {
    const client = await start();
    const id = uuid7();
    await client.createRun({ id, ...fields });
    expect(endpoint.runs).toMatchObject([{ id, status: "pending", inputs: { a: 1 } }]);
    await client.updateRun(id, { outputs: { b: 2 }, end_time: Date.now(), tags: ["x"] });
    expect(endpoint.runs).toMatchObject([
      { id, status: "success", inputs: { a: 1 }, outputs: { b: 2 }, tags: ["x"] },
    ]);
  });

  test("keep what the patch said when the post comes after it", async () => {
    await start();
    const id = uuid7();
    const send = (method: string, path: string, body: unknown) =>
      fetch(endpoint.url + path, { method, body: JSON.stringify(body) });
    await send("PATCH", `/runs/${id}`, { outputs: { b: 2 }, tags: ["closing"] });
    await send("POST", "/runs", { id, name: "n", tags: ["first"], session_name: "p" });
    expect(endpoint.runs).toMatchObject([{ name: "n", outputs: { b: 2 }, tags: ["closing"] }]);
    expect(endpoint.runs).toHaveLength(1);
  });

  test("bring their attachments", async () => {
    const client = await start();
    const id = uuid7();
    await client.createRun({
      id,
      ...fields,
      trace_id: id,
      dotted_order: `20260101T000000000000Z${id}`,
      attachments: { photo: ["image/png", new Uint8Array([0, 255, 13, 10, 45, 45])] },
    });
    await client.flush();
    await client.awaitPendingTraceBatches();
    expect(endpoint.runs[0]?.attachments["photo"]).toEqual({
      contentType: "image/png",
      content: Buffer.from([0, 255, 13, 10, 45, 45]),
    });
  });
});

describe("late ingestion", () => {
  test("keeps accepted runs away until it is released", async () => {
    const client = await start();
    endpoint.holdIngestion();
    const runId = uuid7();
    await traced(client, runId);
    expect(endpoint.runs).toEqual([]);
    await expect(client.readProject({ projectName: "tides" })).rejects.toThrow("not found");
    endpoint.releaseIngestion();
    expect(shapeOfTrace(runId)).toEqual(expectedShape);
  });

  test("delays runs, in the order they came, and can be waited for", async () => {
    const client = await start({ ingestDelayMs: 500 });
    const id = uuid7();
    await client.createRun({ id, name: "n", run_type: "chain", inputs: {} });
    await client.updateRun(id, { outputs: { done: true }, end_time: Date.now() });
    expect(endpoint.runs).toEqual([]);
    await endpoint.until(() => endpoint.runs[0]?.status === "success");
    endpoint.setIngestDelay(0);
    await client.createRun({ id: uuid7(), name: "m", run_type: "chain", inputs: {} });
    expect(endpoint.runs).toHaveLength(2);
  });
});

test("other processes read runs, feedback, queues and requests over HTTP", async () => {
  const client = await start();
  const id = uuid7();
  await client.createRun({ id, name: "n", run_type: "chain", inputs: {} });
  await client.createFeedback({ runId: id, sessionId: uuid7(), key: "k", score: 1 });
  await client.createAnnotationQueue({ name: "q" });
  const get = async (path: string): Promise<unknown> => (await fetch(endpoint.url + path)).json();
  expect(await get("/__runs")).toMatchObject([{ id }]);
  expect(await get("/__feedback")).toMatchObject([{ run_id: id, key: "k" }]);
  expect(await get("/__queues")).toMatchObject([{ name: "q" }]);
  expect(await get("/__requests")).toMatchObject(
    endpoint.requests.map(({ method, path }) => ({ method, path })),
  );
  endpoint.clear();
  expect([endpoint.runs, endpoint.feedback, endpoint.queues, endpoint.requests]).toEqual([
    [],
    [],
    [],
    [],
  ]);
});

test("a gzipped body is on record as text", async () => {
  const client = await start({ gzip: true });
  await traced(client, uuid7());
  const sent = endpoint.requests.find(({ path }) => path === "/runs/multipart");
  expect(sent?.rawBody).toContain("When is high tide?");
  expect(sent?.headers["content-encoding"]).toBe("gzip");
});
