import { memoryStore } from "@evenkeel/core";
import { startLangSmithEndpoint } from "@evenkeel/testing";
import type { LangSmithEndpoint } from "@evenkeel/testing";
import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { Client } from "langsmith";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { runFlagsMiddleware } from "../src/index.ts";
import type { RunFlagsMiddlewareOptions } from "../src/index.ts";
import { BAD, GOOD, onThread, refundAgent, request } from "./support/refund-agent.ts";
import type { Script } from "./support/refund-agent.ts";

let endpoint: LangSmithEndpoint;
let client: Client;

beforeEach(async () => {
  endpoint = await startLangSmithEndpoint();
  client = clientOf(endpoint.url);
});
afterEach(() => endpoint.close());

function clientOf(apiUrl: string): Client {
  return new Client({ apiUrl, apiKey: "key", callerOptions: { maxRetries: 0 } });
}

function reviewing(options: RunFlagsMiddlewareOptions = {}) {
  return runFlagsMiddleware({ langsmith: { client }, ...options });
}

async function traced(
  script: Script,
  flags: ReturnType<typeof runFlagsMiddleware>,
  thread = "t",
): Promise<void> {
  const callbacks = [new LangChainTracer({ client, projectName: "shop" })];
  await refundAgent(script, [flags]).invoke(request(), { ...onThread(thread), callbacks });
  await awaitAllCallbacks();
  await client.awaitPendingTraceBatches();
}

describe("a flagged run in LangSmith", () => {
  test("carries tags and metadata on its root, feedback with evidence, and lies in the queue", async () => {
    const flags = reviewing();
    await traced(BAD, flags);
    await flags.flush();
    const [root] = endpoint.roots();
    expect(root?.tags).toContain("evenkeel:flag:last-call-failed");
    expect(root?.extra).toMatchObject({
      metadata: {
        evenkeel_flag_reason: expect.stringContaining("last-call-failed"),
        evenkeel_flag_severity: "medium",
        evenkeel_failure_class: expect.any(String),
        evenkeel_flag_score: expect.any(Number),
        evenkeel_execution_id: expect.any(String),
      },
    });
    expect(endpoint.feedback).toMatchObject([
      { key: "needs_review", score: 1, run_id: root?.id, extend_trace_retention: false },
    ]);
    expect(endpoint.feedback[0]?.comment).toContain("last-call-failed (medium)");
    expect(endpoint.queues).toMatchObject([
      {
        name: "evenkeel: flagged runs",
        rubric_instructions: expect.stringContaining("needs_review"),
        items: [{ run_id: root?.id }],
      },
    ]);
  });

  test("is found by its tag, and a good run is not", async () => {
    const flags = reviewing();
    await traced(BAD, flags, "bad");
    await traced(GOOD, flags, "good");
    await flags.flush();
    const project = await client.readProject({ projectName: "shop" });
    const found: unknown[] = [];
    for await (const run of client.runs.query({
      project_ids: [project.id],
      is_root: true,
      filter: 'has(tags, "evenkeel:flag:last-call-failed")',
      selects: ["ID"],
    })) {
      found.push(run.id);
    }
    const bad = endpoint.feedback.map(({ run_id: id }) => id);
    expect(found).toEqual(bad);
    expect(found).toHaveLength(1);
    expect(endpoint.roots()).toHaveLength(2);
  });

  test("gets its feedback and its place in the queue once it is ingested, and the run did not wait", async () => {
    endpoint.holdIngestion();
    const flags = reviewing();
    await traced(BAD, flags);
    expect(endpoint.roots()).toEqual([]);
    await endpoint.until(() =>
      endpoint.requests.some(({ path }) => path.includes("/feedback") || path.includes("sessions")),
    );
    expect(endpoint.feedback).toEqual([]);
    endpoint.releaseIngestion();
    await flags.flush();
    expect(endpoint.feedback).toHaveLength(1);
    expect(endpoint.queues.map(({ items }) => items.length)).toEqual([1]);
  });

  test("meets 404s that come again and again, and is there once", async () => {
    endpoint.fail({ status: 404 }, { path: /feedback$/, times: 3 });
    endpoint.fail({ status: 404 }, { path: "by-key", times: 2 });
    const flags = reviewing();
    await traced(BAD, flags);
    await flags.flush();
    expect(endpoint.feedback).toHaveLength(1);
    expect(endpoint.queues.map(({ items }) => items.length)).toEqual([1]);
  });

  test("is not sent again where only the answer was lost", async () => {
    endpoint.fail({ status: 404 }, { path: /feedback$/, times: 1, afterEffect: true });
    const flags = reviewing();
    await traced(BAD, flags);
    await flags.flush();
    expect(endpoint.feedback).toHaveLength(1);
  });

  test("sends nothing in observe", async () => {
    const flags = reviewing({ mode: "observe" });
    await traced(BAD, flags);
    await flags.flush();
    expect(endpoint.roots()[0]?.tags?.filter((tag) => tag.startsWith("evenkeel:flag"))).toEqual([]);
    expect(endpoint.feedback).toEqual([]);
    expect(endpoint.queues).toEqual([]);
  });

  test("stays out of the queue below its score", async () => {
    const flags = reviewing({ langsmith: { client, queue: { name: "worst", from: 1 } } });
    await traced(BAD, flags);
    await flags.flush();
    expect(endpoint.feedback).toHaveLength(1);
    expect(endpoint.queues).toEqual([]);
  });
});

describe("a good run", () => {
  test("is queued as part of the sample, without feedback and without a tag", async () => {
    const flags = reviewing({ sampleGood: 1 });
    await traced(GOOD, flags);
    await flags.flush();
    const [root] = endpoint.roots();
    expect(endpoint.queues).toMatchObject([{ items: [{ run_id: root?.id }] }]);
    expect(endpoint.feedback).toEqual([]);
    expect(root?.tags?.filter((tag) => tag.startsWith("evenkeel:flag")) ?? []).toEqual([]);
  });
});

describe("LangSmith", () => {
  test("that cannot be reached leaves run and record alone", async () => {
    const store = memoryStore();
    const flags = runFlagsMiddleware({
      store,
      langsmith: { client: clientOf("http://127.0.0.1:9") },
    });
    await traced(BAD, flags);
    expect(await store.listRecords({ status: "completed" })).toHaveLength(1);
  });

  test("that refuses the key is asked once and reported", async () => {
    endpoint.fail({ status: 403 }, { path: /feedback$/ });
    const errors: unknown[] = [];
    const flags = reviewing({ onError: (error) => errors.push(error) });
    await traced(BAD, flags);
    await flags.flush();
    expect(errors).toMatchObject([{ code: "review-failed" }]);
    expect(endpoint.requests.filter(({ path }) => path.endsWith("/feedback"))).toHaveLength(1);
  });
});
