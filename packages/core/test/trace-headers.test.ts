import { createServer } from "node:http";
import type { Server } from "node:http";

import { CallbackManager } from "@langchain/core/callbacks/manager";
import { AIMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { END, MessagesAnnotation, START, StateGraph, getConfig } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { Client, RunTree } from "langsmith";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";

import { CoreError } from "../src/errors.ts";
import { liveRun } from "../src/trace/live-run.ts";
import type { LiveRun } from "../src/trace/live-run.ts";
import { traceHeaders } from "../src/trace/trace-headers.ts";

const ALLOWED = "https://service.example";
let server: Server;
let client: Client;
let bodies: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      bodies.push(body);
      response.writeHead(request.method === "GET" ? 200 : 202).end("{}");
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  client = new Client({ apiUrl: `http://127.0.0.1:${address.port}`, apiKey: "x" });
});

afterAll(async () => {
  await new Promise((closed) => server.close(closed));
});

/** A graph whose only tool, two graphs deep, does `inside`. */
function nestedGraph(inside: () => void) {
  const probe = tool(
    () => {
      inside();
      return "done";
    },
    { name: "probe", description: "looks around", schema: z.object({}) },
  );
  const inner = new StateGraph(MessagesAnnotation)
    .addNode("model", () => ({
      messages: [
        new AIMessage({ content: "", tool_calls: [{ id: "1", name: "probe", args: {} }] }),
      ],
    }))
    .addNode("tools", new ToolNode([probe]))
    .addEdge(START, "model")
    .addEdge("model", "tools")
    .addEdge("tools", END)
    .compile();
  return new StateGraph(MessagesAnnotation)
    .addNode("inner", inner)
    .addEdge(START, "inner")
    .addEdge("inner", END)
    .compile();
}

function aRun(metadata: Record<string, unknown> = {}): RunTree {
  return new RunTree({ name: "run", client, project_name: "shop", metadata, tags: ["a"] });
}

describe("liveRun", () => {
  it("finds the tool's run and the root of the trace from two graphs deep", async () => {
    let found: LiveRun | undefined;
    const graph = nestedGraph(() => (found = liveRun()));
    await graph.invoke(
      { messages: [] },
      { callbacks: [new LangChainTracer({ client })], runName: "shop" },
    );
    expect(found?.run).toMatchObject({ name: "probe", run_type: "tool" });
    expect(found?.root).toMatchObject({ name: "shop", parent_run_id: undefined });
    expect(found?.root.id).toBe(found?.run.trace_id);
  });

  it("hands out a root whose tags and metadata reach the wire", async () => {
    bodies = [];
    const graph = nestedGraph(() => {
      const root = liveRun()?.root;
      if (root === undefined) throw new Error("not traced");
      root.tags = [...(root.tags ?? []), "evenkeel:flag:loop"];
    });
    await graph.invoke({ messages: [] }, { callbacks: [new LangChainTracer({ client })] });
    await client.awaitPendingTraceBatches();
    expect(bodies.join("\n")).toContain("evenkeel:flag:loop");
  });

  it("takes the config a node was given", async () => {
    let same = false;
    const graph = nestedGraph(() => (same = liveRun(getConfig())?.run.id === liveRun()?.run.id));
    await graph.invoke({ messages: [] }, { callbacks: [new LangChainTracer({ client })] });
    expect(same).toBe(true);
  });

  it("takes the highest run of this process where the root is another process's", async () => {
    const elsewhere = aRun();
    const parent = RunTree.fromHeaders(elsewhere.toHeaders(), { client });
    if (parent === undefined) throw new Error("no parent");
    const tracer = new LangChainTracer({ client });
    tracer.updateFromRunTree(parent);
    const callbacks = new CallbackManager(parent.id);
    callbacks.addHandler(tracer, true);
    let found: LiveRun | undefined;
    const graph = nestedGraph(() => (found = liveRun()));
    await graph.invoke({ messages: [] }, { callbacks, runName: "resumed" });
    expect(found?.root).toMatchObject({ name: "resumed", parent_run_id: elsewhere.id });
    expect(found?.root.trace_id).toBe(elsewhere.id);
  });

  it("ends where the parents of a run go round in a circle", () => {
    const runs = [
      { id: "a", trace_id: "z", parent_run_id: "b" },
      { id: "b", trace_id: "z", parent_run_id: "a" },
    ];
    const tracer = {
      name: "langchain_tracer",
      getRun: (id: string) => runs.find((run) => run.id === id),
    };
    const found = liveRun({ callbacks: { handlers: [tracer], getParentRunId: () => "a" } });
    expect(found?.root.id).toBe("b");
  });

  it("answers undefined with tracing off and outside of any run", async () => {
    let found: unknown = "never ran";
    await nestedGraph(() => (found = liveRun())).invoke({ messages: [] });
    expect(found).toBeUndefined();
    expect(liveRun()).toBeUndefined();
    expect(liveRun({ callbacks: [new LangChainTracer({ client })] })).toBeUndefined();
  });
});

describe("traceHeaders", () => {
  it("carries the trace of the tool it is called in, so that a service's run joins it", async () => {
    let headers: Record<string, string> = {};
    let rootId: string | undefined;
    const graph = nestedGraph(() => {
      headers = traceHeaders({ to: `${ALLOWED}/refunds?id=1`, allow: [ALLOWED] });
      rootId = liveRun()?.root.id;
    });
    await graph.invoke({ messages: [] }, { callbacks: [new LangChainTracer({ client })] });
    const joined = RunTree.fromHeaders(headers, { client })?.createChild({ name: "service" });
    expect(joined?.trace_id).toBe(rootId);
    expect(headers["traceparent"]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(headers["traceparent"]?.slice(3, 35)).toBe(rootId?.replaceAll("-", ""));
  });

  it.each([
    ["the origin, written with a path", `${ALLOWED}/a/b`],
    ["its default port written out", `${ALLOWED}:443/`],
    ["other case", "HTTPS://SERVICE.example/"],
    ["a URL object", new URL(`${ALLOWED}/x`)],
  ])("gives headers to %s", (_title, to) => {
    const runTree = aRun();
    expect(Object.keys(traceHeaders({ to, allow: [ALLOWED], runTree })).toSorted()).toEqual([
      "baggage",
      "langsmith-trace",
      "traceparent",
    ]);
  });

  it.each([
    ["another host", "https://other.example/"],
    ["a subdomain", "https://a.service.example/"],
    ["a host that begins alike", "https://service.example.evil.example/"],
    ["the allowed host as user name", "https://service.example@evil.example/"],
    ["another port", "https://service.example:8443/"],
    ["plain http", "http://service.example/"],
    ["a file", "file:///etc/hosts"],
    ["a relative path", "/refunds"],
    ["no URL at all", "not a url"],
  ])("gives {} to %s", (_title, to) => {
    expect(traceHeaders({ to, allow: [ALLOWED], runTree: aRun() })).toEqual({});
  });

  it("gives {} where the run is not traced", () => {
    expect(traceHeaders({ to: ALLOWED, allow: [ALLOWED] })).toEqual({});
  });

  it.each([
    ["no list", '"https://service.example"'],
    ["an origin with a path", '["https://service.example/api"]'],
    ["an origin with a user", '["https://u:p@service.example"]'],
    ["no URL", '["service.example"]'],
    ["a file origin", '["file:///"]'],
    ["a wildcard", '["*"]'],
    ["a number", "[1]"],
  ])("refuses an allow list that is %s", (_title, json) => {
    const allow: string[] = JSON.parse(json);
    const call = () => traceHeaders({ to: ALLOWED, allow, runTree: aRun() });
    expect(call).toThrow(CoreError);
    expect(call).toThrow(expect.objectContaining({ code: "invalid-options" }));
  });

  it("drops metadata that a server would refuse as too long, and keeps the project", () => {
    const runTree = aRun({ note: "x".repeat(20_000) });
    const headers = traceHeaders({ to: ALLOWED, allow: [ALLOWED], runTree });
    expect(headers["baggage"]).toBe("langsmith-project=shop");
    expect(headers["langsmith-trace"]).toBe(runTree.dotted_order);
  });

  it("leaves out what no header can hold", () => {
    const runTree = {
      id: "not a uuid",
      toHeaders: () => ({ "langsmith-trace": "x\r\nevil: 1", baggage: "a=b" }),
    };
    expect(traceHeaders({ to: ALLOWED, allow: [ALLOWED], runTree })).toEqual({});
  });
});
