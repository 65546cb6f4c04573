import { startLangSmithEndpoint } from "@evenkeel/testing";
import type { LangSmithEndpoint } from "@evenkeel/testing";
import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { Client } from "langsmith";
import { afterEach, beforeEach, expect, test } from "vitest";

import { answering, calls, report, shop } from "./support/shop.ts";
import type { ShopParts } from "./support/shop.ts";

let endpoint: LangSmithEndpoint;
beforeEach(async () => {
  endpoint = await startLangSmithEndpoint();
});
afterEach(() => endpoint.close());

const fetchLog = answering("fetch_log", () => report(40_000));
const done = { content: "Done." };

/** Runs a shop under the tracer until LangSmith has all of it. */
async function traced(parts: ShopParts): Promise<void> {
  const client = new Client({ apiUrl: endpoint.url, apiKey: "key" });
  const agent = await shop(parts);
  await agent.invoke("thread-1", undefined, { callbacks: [new LangChainTracer({ client })] });
  await awaitAllCallbacks();
  await client.awaitPendingTraceBatches();
}

/** The sizes on the spans of that name, in their order: the largest result's bytes, the context's tokens. */
function sizesOf(name?: string): unknown[][] {
  return endpoint.runs
    .filter((run) => (name === undefined ? run.parent_run_id === undefined : run.name === name))
    .toSorted((one, other) => Number(one.dotted_order > other.dotted_order) - 0.5)
    .map(({ extra }) => (extra as { metadata?: Record<string, unknown> }).metadata ?? {})
    .map((metadata) => [metadata["evenkeel_largest_result"], metadata["evenkeel_context_tokens"]]);
}

test("marks the span of each model call with its sizes, and the root run with the largest", async () => {
  await traced({ tools: [fetchLog], turns: [calls({ name: "fetch_log" }), done] });
  const [before, after] = sizesOf("agent");
  expect(sizesOf("agent")).toHaveLength(2);
  expect(before).toEqual([0, expect.any(Number)]);
  expect(after).toEqual([40_000, expect.any(Number)]);
  expect(before?.[1]).toBeLessThan(50);
  expect(after?.[1]).toBeGreaterThan(300);
  expect(after?.[1]).toBeLessThan(2_000);
  expect(sizesOf()).toEqual([after]);
});

test("takes the provider's own count of a context where it gives one", async () => {
  const usage = { promptTokens: 12_345 };
  await traced({ tools: [fetchLog], turns: [{ ...done, usage }] });
  expect(sizesOf("agent")).toEqual([[0, 12_345]]);
});

test("leaves the result itself out of every span but its tool's own", async () => {
  await traced({ tools: [fetchLog], turns: [calls({ name: "fetch_log" }), done] });
  const innermost = JSON.stringify(report(40_000).slice(20_000, 20_200)).slice(1, -1);
  const holding = endpoint.runs.filter((run) => JSON.stringify(run).includes(innermost));
  expect(holding.map(({ name }) => name)).toEqual(["fetch_log"]);
});
