import { memoryStore } from "@evenkeel/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { runFlagsMiddleware } from "../src/index.ts";
import type { RunFlagsMiddlewareOptions } from "../src/index.ts";
import { clientOf, localReview } from "./support/local-review.ts";
import type { LocalReview } from "./support/local-review.ts";
import { BAD, GOOD } from "./support/refund-agent.ts";

let local: LocalReview;
let endpoint: LocalReview["endpoint"];
let client: LocalReview["client"];
let traced: LocalReview["traced"];

beforeEach(async () => {
  local = await localReview();
  ({ endpoint, client, traced } = local);
});
afterEach(() => endpoint.close());

function reviewing(options: RunFlagsMiddlewareOptions = {}) {
  return runFlagsMiddleware({ langsmith: { client }, ...options });
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
        evenkeel_flag_reason: "last-call-failed",
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
    endpoint.fail({ status: 404 }, { path: /feedback$/, times: 2 });
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

  test("that is slow delays no run", async () => {
    endpoint.fail({ kind: "slow", delayMs: 2_000 }, { path: /feedback|sessions|annotation/ });
    const flags = reviewing();
    await traced(BAD, flags);
    const { length: asked } = endpoint.feedback;
    await flags.flush();
    expect([asked, endpoint.feedback.length]).toEqual([0, 1]);
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
