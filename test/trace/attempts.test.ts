import { defineMiddleware, withMiddleware } from "@evenkeel/core";
import { Annotation, MemorySaver, START, StateGraph } from "@langchain/langgraph";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { localTracing } from "./asking-agent.ts";
import type { LocalTracing } from "./asking-agent.ts";

let local: LocalTracing;
beforeEach(async () => {
  local = await localTracing();
});
afterEach(() => local.langsmith.close());

const RUN_ID = "11111111-1111-4111-8111-111111111111";
const config = { configurable: { thread_id: "t", tenant: "acme" } };

const again = defineMiddleware({
  name: "again",
  options: {},
  attempts: true,
  retries: true,
  async wrapRun(request, handler) {
    const outcome = await handler(request);
    if (outcome.status !== "failed") return outcome;
    return handler(await request.nextAttempt({ restart: "start", cause: outcome.error }));
  },
});

function agent(fails: number, checkpointer = new MemorySaver()) {
  let left = fails;
  const graph = new StateGraph(Annotation.Root({ answer: Annotation<string> }))
    .addNode("think", () => {
      if (left-- > 0) throw new Error("no answer yet");
      return { answer: "42" };
    })
    .addEdge(START, "think")
    .compile({ checkpointer, name: "answering-agent" });
  return withMiddleware(graph, [again]);
}

describe("the attempts of one process are children of one run", () => {
  test.each(["handed in", "bound to the graph"])("with a tracer that is %s", async (how) => {
    const callbacks = [local.tracer()];
    const graph = how === "handed in" ? agent(1) : agent(1).withConfig({ callbacks });
    await graph.invoke(
      { answer: "" },
      { ...config, runId: RUN_ID, ...(how === "handed in" ? { callbacks } : {}) },
    );
    expect(await local.tree()).toEqual([
      "answering-agent",
      "├─ answering-agent",
      "│  ├─ __start__",
      "│  └─ think",
      "└─ answering-agent",
      "   └─ think",
    ]);
    const [root, ...others] = local.langsmith.roots();
    expect(others).toEqual([]);
    expect(root).toMatchObject({
      id: RUN_ID,
      name: "answering-agent",
      status: "success",
      inputs: { answer: "" },
      outputs: { answer: "42" },
      tags: ["evenkeel:attempt-failed"],
      metadata: { execution_attempt: 2, thread_id: "t", tenant: "acme" },
    });
    const attempts = local.langsmith.runs.filter(({ parent_run_id }) => parent_run_id === RUN_ID);
    expect(attempts.map(({ metadata }) => metadata["execution_attempt"])).toEqual([1, 2]);
    expect(attempts.map(({ status }) => status)).toEqual(["error", "success"]);
  });

  test("a run whose last attempt failed has failed, and a later process joins its trace", async () => {
    const checkpointer = new MemorySaver();
    const callbacks = [local.tracer()];
    const first = agent(2, checkpointer).invoke({ answer: "" }, { ...config, callbacks });
    await expect(first).rejects.toThrow("no answer yet");
    await agent(0, checkpointer).invoke(null, { ...config, callbacks: [local.tracer()] });
    await local.arrived();
    const roots = local.langsmith.roots();
    expect(roots.map(({ status }) => status)).toEqual(["error"]);
    const ids = new Set(
      local.langsmith.runs.map(({ metadata }) => metadata["evenkeel_execution_id"]),
    );
    expect(ids.size).toBe(1);
    const below = local.langsmith.runs.filter(
      ({ parent_run_id }) => parent_run_id === roots[0]?.id,
    );
    expect(below.map(({ metadata }) => metadata["execution_attempt"])).toEqual([1, 2, 2]);
  });

  test.each(["v1", "v2"] as const)(
    "streamEvents %s gives the root's chunks under the caller's run id",
    async (version) => {
      const seen: string[] = [];
      const options = { ...config, runId: RUN_ID, version };
      for await (const event of agent(1).streamEvents({ answer: "" }, options)) {
        if (event.run_id === RUN_ID) seen.push(event.event);
      }
      expect(seen.at(0)).toBe("on_chain_start");
      expect(seen.at(-1)).toBe("on_chain_end");
      expect(seen).toContain("on_chain_stream");
    },
  );
});

test("a run without a middleware that declares attempts has no run around it", async () => {
  const quiet = defineMiddleware({
    name: "quiet",
    options: {},
    wrapRun: (request, handler) => handler(request),
  });
  const graph = new StateGraph(Annotation.Root({ answer: Annotation<string> }))
    .addNode("think", () => ({ answer: "42" }))
    .addEdge(START, "think")
    .compile({ name: "answering-agent" });
  await withMiddleware(graph, [quiet]).invoke({ answer: "" }, { callbacks: [local.tracer()] });
  expect(await local.tree()).toEqual(["answering-agent", "├─ __start__", "└─ think"]);
});
