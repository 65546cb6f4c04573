import {
  ClearToolUsesEdit,
  contextEditingMiddleware,
  modelFallbackMiddleware,
  toolRetryMiddleware,
} from "langchain";
import { describe, expect, test } from "vitest";

import { conformance } from "../src/conformance/conformance.ts";
import type { ConformanceOptions } from "../src/conformance/options.ts";
import { scriptedModel } from "../src/model/scripted-model.ts";

/** The numbers of the laws a middleware breaks. */
async function brokenLaws(options: ConformanceOptions): Promise<number[]> {
  const broken: number[] = [];
  for (const { law, run } of conformance(options)) {
    await run().catch(() => broken.push(law));
  }
  return broken;
}

// Known defects of the pinned release: where one of these goes green, upstream has mended it.
describe("the kit finds what is known of LangChain's own middleware", { timeout: 120_000 }, () => {
  test("toolRetry retries interrupts (1, 10), aborted calls (6) and validation errors (14)", async () => {
    const create = (): ReturnType<typeof toolRetryMiddleware> =>
      toolRetryMiddleware({ maxRetries: 2, initialDelayMs: 1 });
    const capabilities = { retries: true, attempts: 3 };
    expect(await brokenLaws({ create, name: "toolRetryMiddleware", capabilities })).toEqual([
      1, 6, 10, 14,
    ]);
  });

  test("modelFallback asks again without saying so (4), on an interrupt (1) and an abort (6) as well", async () => {
    const create = (): ReturnType<typeof modelFallbackMiddleware> =>
      modelFallbackMiddleware(scriptedModel([{ content: "The other model answers." }]));
    expect(await brokenLaws({ create, name: "modelFallbackMiddleware" })).toEqual([1, 4, 6]);
  });

  test("contextEditing edits the live messages (8)", async () => {
    const create = (): ReturnType<typeof contextEditingMiddleware> =>
      contextEditingMiddleware({
        edits: [new ClearToolUsesEdit({ trigger: { tokens: 1 }, keep: { messages: 0 } })],
      });
    expect(await brokenLaws({ create })).toContain(8);
  });
});
