import { randomBytes } from "node:crypto";

import { memoryStore } from "@evenkeel/core";
import type { ResultStore } from "@evenkeel/core";
import { expect, test } from "vitest";

import { keepResult } from "../src/call/keep-result.ts";
import type { KeepOptions } from "../src/call/keep-result.ts";
import { recallResult } from "../src/index.ts";
import { renderTruncated } from "../src/preview/frame.ts";
import { openResults } from "../src/results/results.ts";
import { timedStore } from "../src/results/timed-store.ts";
import { counter, owner } from "./support/reading.ts";

function keepOptions(store: ResultStore): KeepOptions {
  const results = openResults(timedStore(store, { timeoutMs: 5_000, signal: undefined }));
  const nothing = { limits: {}, meta: {}, tools: {} };
  return { ...nothing, results, owner, counter, maxPreviewTokens: 800 };
}

test("keeps a value, shows a preview in its place and brings the value back", async () => {
  const store = memoryStore();
  const values = [
    "text ".repeat(9_000),
    [{ type: "text", text: "a\n".repeat(5_000) }],
    [
      { type: "text", text: "see" },
      { type: "image", data: "QUJD".repeat(9_000), mimeType: "image/png" },
    ],
    { rows: Array.from({ length: 2_000 }, (_, id) => ({ id })) },
    new Uint8Array(randomBytes(50_000)),
  ];
  const kinds = [];
  for (const value of values) {
    const kept = await keepResult(value, {
      ...keepOptions(store),
      tools: { read: "read_tool_result" },
    });
    kinds.push(kept.preview.kind);
    expect(kept.text).toContain(kept.stored.handle);
    expect(counter.count(kept.text)).toBeLessThan(1_000);
    expect(await recallResult({ store, owner }, kept.stored.handle)).toEqual(value);
    await expect(
      recallResult({ store, owner: { ...owner, threadId: "2" } }, kept.stored.handle),
    ).rejects.toMatchObject({ code: "handle-foreign" });
  }
  expect(kinds).toEqual(["text", "text", "blocks", "json", "binary"]);
});

test("says so where a result could not be kept", async () => {
  const store: ResultStore = {
    ...memoryStore(),
    linkResult: () => Promise.reject(new Error("disk full")),
  };
  const value = "important ".repeat(9_000);
  const error = await keepResult(value, keepOptions(store)).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "store-unavailable", cause: { message: "disk full" } });
  const text = renderTruncated(value, error, { counter, maxTokens: 800 });
  expect(text).toContain("could not be kept elsewhere (store-unavailable)");
  expect(counter.count(text)).toBeLessThan(1_000);
});
