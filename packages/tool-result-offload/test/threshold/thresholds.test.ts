import { expect, test } from "vitest";

import { planOffload, thresholdsFor, validateThresholds } from "../../src/threshold/thresholds.ts";
import {
  approximateCounter,
  loadTokenCounter,
  tokenCounterOf,
} from "../../src/threshold/token-counter.ts";

const words = (count: number): string => "word ".repeat(count);
const o200k = await loadTokenCounter();
const mustNotCount = tokenCounterOf("none", () => {
  throw new Error("counted");
});

test.each([
  ["nothing", "", "keep"],
  ["few tokens", words(900), "keep"],
  ["tokens just under the limit", words(1_990), "keep"],
  ["tokens over the limit", words(2_010), "tokens"],
  ["bytes over the limit", " ".repeat(40_000), "bytes"],
  ["characters of three bytes each", "€".repeat(11_000), "bytes"],
  ["200 MB", "a".repeat(200_000_000), "bytes"],
] as const)("settles %s", (_, content, outcome) => {
  const plan = planOffload(content, {}, o200k);
  expect(plan.action === "keep" ? "keep" : plan.reason).toBe(outcome);
});

test("settles what is small without a tokenizer", () => {
  expect(planOffload(words(900), {}, mustNotCount).action).toBe("keep");
  expect(() => planOffload(words(1_500), {}, mustNotCount)).toThrow("counted");
});

test("works with an estimate alone", () => {
  expect(planOffload(words(500), {}, approximateCounter).action).toBe("keep");
  expect(planOffload(words(5_000), {}, approximateCounter).action).toBe("offload");
});

test.each([
  ["text blocks over the limit", [{ type: "text", text: words(3_000) }], "tokens"],
  [
    "an image's data by its bytes",
    [{ type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(40_000)}` } }],
    "bytes",
  ],
  ["an image's data not as text", [{ type: "image", data: "QUJD".repeat(5_000) }], "keep"],
  ["bytes in a block", [{ type: "file", data: new Uint8Array(40_000) }], "bytes"],
  ["bytes alone", new Uint8Array(40_000), "bytes"],
  ["many small parts", { rows: Array.from({ length: 20_000 }, (_, row) => row) }, "bytes"],
  ["a small object", { ok: true }, "keep"],
  ["no content", undefined, "keep"],
] as const)("settles %s", (_, content, outcome) => {
  const plan = planOffload(content, {}, o200k);
  expect(plan.action === "keep" ? "keep" : plan.reason).toBe(outcome);
});

test("settles a value nested 100,000 deep", () => {
  let deep: unknown = "x";
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  expect(planOffload(deep, {}, o200k).action).toBe("offload");
});

test("lets a tool have thresholds of its own, or none", () => {
  const perTool = { grep: { maxTokens: 10 }, read_tool_result: false } as const;
  expect(thresholdsFor("grep", { maxTokens: 500, maxBytes: 9 }, perTool)).toEqual({
    maxTokens: 10,
    maxBytes: 9,
  });
  expect(thresholdsFor("other", { maxTokens: 500 }, perTool)).toEqual({ maxTokens: 500 });
  expect(thresholdsFor("read_tool_result", {}, perTool)).toBeUndefined();
  expect(thresholdsFor("constructor", { maxTokens: 1 }, perTool)).toEqual({ maxTokens: 1 });
});

test("refuses thresholds that are no figures, by name", () => {
  expect(() => validateThresholds({ maxTokens: 0 })).toThrow(/options\.maxTokens .* 0/);
  expect(() => validateThresholds({ maxBytes: Number.NaN }, "perTool.grep")).toThrow(
    /perTool\.grep\.maxBytes/,
  );
});
