import * as fc from "fast-check";
import { expect, test } from "vitest";

import { renderOffloaded } from "../../src/preview/frame.ts";
import { previewContent } from "../../src/preview/preview.ts";
import { approximateCounter, loadTokenCounter } from "../../src/threshold/token-counter.ts";

const o200k = await loadTokenCounter();
const names = {
  read: "read_tool_result",
  search: "search_tool_result",
  query: "query_tool_result",
};

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 5_000 }),
  fc.string({ unit: "grapheme", maxLength: 5_000 }),
  fc.json({ maxDepth: 8 }),
  fc.array(fc.json(), { maxLength: 200 }).map((lines) => lines.join("\n")),
  fc
    .array(
      fc
        .array(fc.string({ maxLength: 8 }), { minLength: 3, maxLength: 3 })
        .map((cells) => cells.join(",")),
    )
    .map((rows) => rows.join("\n")),
  fc
    .constantFrom(
      "{",
      "[",
      '{"a":',
      '["',
      "\n",
      " ",
      "\t",
      '"',
      "a,b\n",
      "\ud83d",
      "🎉",
      "é",
      "龘",
      "ERROR ",
    )
    .chain((unit) => fc.integer({ min: 1, max: 30_000 }).map((times) => unit.repeat(times))),
);
const anyContent = fc.oneof(
  anyText,
  fc.uint8Array({ maxLength: 20_000 }),
  anyText.map((text) => Buffer.from(text)),
  fc.array(
    fc.oneof(
      fc.anything(),
      anyText.map((text) => ({ type: "text", text })),
    ),
    { maxLength: 30 },
  ),
);

test("is the same for the same content and never above its bound, whatever the bytes", () => {
  fc.assert(
    fc.property(anyContent, fc.integer({ min: 60, max: 1_200 }), (content, maxTokens) => {
      for (const counter of [o200k, approximateCounter]) {
        const first = previewContent(content, { counter, maxTokens });
        const second = previewContent(structuredCopy(content), { counter, maxTokens });
        expect(second).toStrictEqual(first);
        expect(first.tokens).toBeLessThanOrEqual(maxTokens);
        expect(counter.count(first.text)).toBe(first.tokens);
        expect(first.text).not.toMatch(/\p{Cs}/u);
      }
    }),
    { numRuns: 300 },
  );
});

test("costs under 1,000 tokens with everything around it", () => {
  fc.assert(
    fc.property(anyContent, (content) => {
      const preview = previewContent(content, { counter: o200k });
      const text = renderOffloaded("res_e5k67sgsh6hdx5az8mc5", preview, names);
      expect(o200k.count(text)).toBeLessThan(1_000);
    }),
    { numRuns: 300 },
  );
});

test("looks at no more than its window of a 200 MB text, and copies none of it", () => {
  const huge = `${"x".repeat(100)}\n`.repeat(2_000_000);
  const before = process.memoryUsage();
  const preview = previewContent(huge, { facts: { size: huge.length, lines: 2_000_000 } });
  const after = process.memoryUsage();
  expect(preview.tokens).toBeLessThanOrEqual(800);
  expect(after.rss - before.rss).toBeLessThan(260_000_000);
});

test.each([
  ["arrays 100,000 deep", `${"[".repeat(100_000)}${"]".repeat(100_000)}`, "json"],
  ["objects 100,000 deep", `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`, "json"],
  ["an unclosed string", `["${"a".repeat(1_000_000)}`, "json"],
  [
    "a million keys",
    `{${Array.from({ length: 300_000 }, (_, key) => `"k${key}":1`).join()}}`,
    "json",
  ],
])("survives %s", (_, content, kind) => {
  expect(previewContent(content, { counter: o200k })).toMatchObject({ kind });
});

function structuredCopy(content: string | Uint8Array | unknown[]): string | Uint8Array | unknown[] {
  if (typeof content === "string") return ` ${content}`.slice(1);
  return content instanceof Uint8Array ? Uint8Array.from(content) : [...content];
}
