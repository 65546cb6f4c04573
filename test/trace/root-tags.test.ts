import { defineMiddleware, withMiddleware } from "@evenkeel/core";
import type { AnyMiddleware } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import { AIMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import {
  Command,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
  interrupt,
} from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";

import { localTracing } from "./asking-agent.ts";
import type { LocalTracing } from "./asking-agent.ts";

const thread = { configurable: { thread_id: "t" } };
const input = { messages: [{ role: "user", content: "Refund A-1." }] };
let local: LocalTracing;
beforeEach(async () => {
  local = await localTracing();
});
afterEach(() => local.langsmith.close());

const watching = defineMiddleware({
  name: "watchingMiddleware",
  options: {},
  async wrapToolCall(request, handler, { emit, annotate }) {
    const result = await handler(request);
    emit("custom-large-refund", { severity: "medium" });
    emit("custom-refund", { severity: "info" });
    annotate({ metadata: { evenkeel_refunds: 1 } });
    return result;
  },
});
const TAGGED = { tags: ["evenkeel:custom-large-refund"], metadata: { evenkeel_refunds: 1 } };

const call = { id: "call-1", name: "refund", args: {} };
const toolFrom = (refund: () => string) =>
  tool(refund, { name: "refund", description: "Refunds.", schema: z.object({}) });

/** A graph that calls one tool and ends. */
function agent(refund: () => string, stack: AnyMiddleware[], checkpointer = new MemorySaver()) {
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", () => ({ messages: [new AIMessage({ content: "", tool_calls: [call] })] }))
    .addNode("tools", new ToolNode([toolFrom(refund)], { handleToolErrors: false }))
    .addEdge(START, "agent")
    .addEdge("agent", "tools")
    .compile({ checkpointer, name: "refund-agent" });
  return withMiddleware(graph, stack);
}

const refunded = () => "refunded";
const broken = (): string => {
  throw new Error("the gateway is down");
};

async function roots() {
  await local.arrived();
  return local.langsmith.roots();
}

describe("an event above info tags the root run", () => {
  test("under invoke", async () => {
    await agent(refunded, [watching]).invoke(input, { ...thread, callbacks: [local.tracer()] });
    expect(await roots()).toMatchObject([{ ...TAGGED, status: "success" }]);
  });

  test.each(["v1", "v2"] as const)("under streamEvents %s", async (version) => {
    const graph = agent(refunded, [watching]);
    const config = { ...thread, callbacks: [local.tracer()], version };
    for await (const _event of graph.streamEvents(input, config)) continue;
    expect(await roots()).toMatchObject([{ ...TAGGED, status: "success" }]);
  });

  test("under streamEvents v3", async () => {
    const config = { ...thread, callbacks: [local.tracer()], version: "v3" as const };
    const stream = await agent(refunded, [watching]).streamEvents(input, config);
    for await (const _event of stream) continue;
    expect(await roots()).toMatchObject([{ ...TAGGED, status: "success" }]);
  });

  test("where the first update had long been sent", async () => {
    const graph = agent(refunded, [watching]);
    const stream = await graph.stream(input, { ...thread, callbacks: [local.tracer()] });
    await stream.next();
    await local.langsmith.until(() => local.langsmith.roots().length === 1);
    for await (const _chunk of stream) continue;
    expect(await roots()).toMatchObject([TAGGED]);
  });

  test("of the part that a resume adds, since the first root is another process's", async () => {
    const checkpointer = new MemorySaver();
    const asking = () => String(interrupt("refund?"));
    const config = () => ({ ...thread, callbacks: [local.tracer()] });
    await agent(asking, [watching], checkpointer).invoke(input, config());
    await agent(asking, [watching], checkpointer).invoke(new Command({ resume: "yes" }), config());
    const [root, ...others] = await roots();
    expect([root?.tags, others]).toEqual([[], []]);
    const parts = local.langsmith.runs.filter((run) => run.parent_run_id === root?.id);
    expect(parts.at(-1)).toMatchObject({ ...TAGGED, name: "refund-agent" });
  });

  test("in native createAgent", async () => {
    const native = createAgent({
      model: scriptedModel([{ toolCalls: [call] }, { content: "done" }]),
      tools: [toolFrom(refunded)],
      middleware: [watching],
    });
    await native.invoke(input, { callbacks: [local.tracer()] });
    const [root] = await roots();
    expect(root).toMatchObject(TAGGED);
    expect(root?.metadata["evenkeel_execution_id"]).toMatch(/^derived:/);
  });

  test("of a failed run, though its event comes after the root run's end", async () => {
    const graph = agent(broken, [watching]);
    const run = graph.invoke(input, { ...thread, callbacks: [local.tracer()] });
    await expect(run).rejects.toThrow("gateway");
    expect(await roots()).toMatchObject([
      { tags: ["evenkeel:execution-failed"], status: "error", metadata: { thread_id: "t" } },
    ]);
  });

  test("of each try, where a hook runs the graph again", async () => {
    const again = defineMiddleware({
      name: "againMiddleware",
      options: {},
      retries: true,
      async wrapRun(request, handler, { emit }) {
        const outcome = await handler(request);
        if (outcome.status !== "failed") return outcome;
        emit("attempt-failed", { severity: "medium" });
        return handler({ ...request, input: null });
      },
    });
    let tries = 0;
    const flaky = () => ((tries += 1) === 1 ? broken() : refunded());
    await agent(flaky, [again]).invoke(input, { ...thread, callbacks: [local.tracer()] });
    expect(await roots()).toMatchObject([
      { tags: ["evenkeel:attempt-failed"], status: "error" },
      { tags: ["evenkeel:attempt-failed"], status: "success" },
    ]);
  });
});
