import { describe, expect, test } from "vitest";

import { shortened } from "../src/detectors/repeats.ts";
import { argumentSketch, sketchDistance } from "../src/fingerprint/argument-sketch.ts";
import { fingerprintCall } from "../src/fingerprint/call.ts";
import { toPlainJson } from "../src/fingerprint/plain-json.ts";
import { shortHash } from "../src/fingerprint/short-hash.ts";
import { seeded } from "./support/turns.ts";

const of = (callArguments: unknown, tool = "search") =>
  fingerprintCall({ tool, arguments: callArguments });

describe("what counts as the same call", () => {
  test.each([
    ["keys in another order", { a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }],
    ["an integer written as a decimal", { a: 1 }, { a: 1.0 }],
    ["a member that is undefined", { a: 1 }, { a: 1, b: undefined }],
    ["a map and the object it stands for", { a: 1 }, new Map([["a", 1]])],
  ])("%s: equal to the byte", (_, one, other) => {
    expect(of(one).exact).toBe(of(other).exact);
  });

  test.each([
    ["an empty list added", { query: "x" }, { query: "x", filters: [] }],
    ["a null added, deep inside", { a: { b: 1 } }, { a: { b: 1, c: null } }],
    ["a trailing line break", { query: "x" }, { query: "x\n" }],
    ["a number as text", { id: 61 }, { id: "61" }],
    ["another case", { project: "Jsoup" }, { project: "jsoup" }],
  ])("%s: loosely equal, not to the byte", (_, one, other) => {
    expect(of(one).loose).toBe(of(other).loose);
    expect(of(one).exact).not.toBe(of(other).exact);
  });

  test.each([
    ["another value", { query: "x" }, { query: "y" }],
    ["another number", { page: 1 }, { page: 2 }],
    ["one word more", { query: "a b" }, { query: "a b c" }],
    ["false instead of nothing", {}, { all: false }],
    ["zero instead of nothing", {}, { offset: 0 }],
    ["another order in a list", { ids: [1, 2] }, { ids: [2, 1] }],
  ])("%s: another call", (_, one, other) => {
    expect(of(one).loose).not.toBe(of(other).loose);
  });

  test("the tool is part of the call", () => {
    expect(of({ id: 1 }, "read").loose).not.toBe(of({ id: 1 }, "write").loose);
  });

  test("a tool's own loop key decides what counts", () => {
    const byPath = (callArguments: unknown) => (callArguments as { path: string }).path;
    const one = fingerprintCall({ tool: "open", arguments: { path: "/a", why: "look" } }, byPath);
    const other = fingerprintCall(
      { tool: "open", arguments: { path: "/a", why: "again" } },
      byPath,
    );
    expect(one.exact).toBe(other.exact);
  });
});

describe("arguments that are no JSON", () => {
  const circular: Record<string, unknown> = { name: "x" };
  circular["self"] = circular;
  const throwing = Object.defineProperty({}, "bad", {
    enumerable: true,
    get() {
      throw new Error("no");
    },
  });
  let deep: unknown = "end";
  for (let depth = 0; depth < 5_000; depth += 1) deep = { deep };

  test.each([
    ["a cycle", circular],
    ["a getter that throws", throwing],
    ["a value 5,000 levels deep", deep],
    ["a big integer", { amount: 10n ** 40n }],
    ["NaN and infinity", { a: Number.NaN, b: Number.POSITIVE_INFINITY }],
    ["a lone surrogate", { text: "\uD800" }],
    ["a function and a symbol", { call: () => 1, mark: Symbol("x") }],
    ["an invalid date", { at: new Date("nonsense") }],
    ["nothing", undefined],
    ["a list of 100,000 items", { items: Array.from({ length: 100_000 }, (_, item) => item) }],
  ])("%s has a fingerprint, the same every time", (_, value) => {
    expect(of(value).exact).toMatch(/^[\w-]{14,16}$/);
    expect(of(value)).toEqual(of(value));
  });

  test("texts over 64 KB still differ in their last character", () => {
    const long = "a".repeat(300_000);
    expect(of({ text: `${long}b` }).exact).not.toBe(of({ text: `${long}c` }).exact);
    expect(JSON.stringify(toPlainJson({ text: long })).length).toBeLessThan(40_000);
  });

  test("an argument named like an object's own machinery is kept apart", () => {
    const odd = JSON.parse('{"__proto__":{"x":1},"constructor":2}') as unknown;
    expect(of(odd).exact).not.toBe(of({}).exact);
  });
});

test("the order in which keys are inserted never shows, over 300 random objects", () => {
  const random = seeded(7);
  for (let round = 0; round < 300; round += 1) {
    const entries = Array.from({ length: 1 + random(8) }, (_, index): [string, unknown] => [
      `k${index}`,
      [random(100), `v${random(100)}`, { inner: random(3), other: [random(2)] }][random(3)],
    ]);
    const shuffled = entries.toSorted(() => random(3) - 1);
    expect(of(Object.fromEntries(shuffled))).toEqual(of(Object.fromEntries(entries)));
  }
});

describe("the sketch of long arguments", () => {
  const words = Array.from({ length: 600 }, (_, index) => `word${index}`);

  test("a short text has none", () => {
    expect(argumentSketch("a few words only")).toBeUndefined();
  });

  test("a changed word moves at most two buckets, a rewritten text most of them", () => {
    const before = argumentSketch(words.join(" ")) ?? "";
    const changed = argumentSketch(words.with(100, "other").join(" ")) ?? "";
    const rewritten = argumentSketch(words.map((word) => `new${word}`).join(" ")) ?? "";
    expect(sketchDistance(before, before)).toBe(0);
    expect(sketchDistance(before, changed)).toBeGreaterThan(0);
    expect(sketchDistance(before, changed)).toBeLessThanOrEqual(2);
    expect(sketchDistance(before, rewritten)).toBeGreaterThan(20);
  });
});

describe("the hash of a text", () => {
  test("no two of 200,000 texts that differ in little share one, nor its first ten characters", () => {
    const texts = Array.from({ length: 100_000 }, (_, index) => [
      `look_up\n{"order":${index},"page":1}`,
      `${"x".repeat(index % 50)}${index}`,
    ]).flat();
    const hashes = new Set(texts.map((text) => shortHash(text)));
    expect(hashes.size).toBe(new Set(texts).size);
    expect(new Set([...hashes].map(shortened)).size).toBe(hashes.size);
  });

  test("of a long text is as short, and tells its last character", () => {
    const long = "a".repeat(100_000);
    expect(shortHash(`${long}b`)).not.toBe(shortHash(`${long}c`));
    expect(shortHash(long).length).toBeLessThanOrEqual(16);
  });
});
