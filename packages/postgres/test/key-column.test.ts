import { describe, expect, it } from "vitest";

import { ODD_IDS } from "../../testing/src/store/samples.ts";
import { keyColumn, optionalKeyColumn } from "../src/key-column.ts";

describe("keyColumn", () => {
  it.each([
    ["a uuid", "0198f0a2-7c3e-7000-8000-000000000000", "0198f0a2-7c3e-7000-8000-000000000000"],
    ["other scripts", "日本語 🚣", "日本語 🚣"],
    ["the empty id", "", ""],
    ["NUL, which a text column refuses", "a\u0000b", "a\\u0000b"],
    ["a lone surrogate, which UTF-8 replaces", "a\ud800", "a\\ud800"],
    ["a quote and a backslash", '"\\', '\\"\\\\'],
    ["200 bytes", "x".repeat(200), "x".repeat(200)],
  ])("writes %s", (_title, id, column) => {
    expect(keyColumn(id)).toBe(column);
  });

  it("writes what is longer than 200 bytes by its hash", () => {
    expect(keyColumn("x".repeat(201))).toMatch(/^\\#[0-9a-f]{64}$/);
    expect(keyColumn("é".repeat(101))).toMatch(/^\\#[0-9a-f]{64}$/);
  });

  it("keeps different ids apart, those that imitate a column's form too", () => {
    const ids = [...ODD_IDS, "\u0000", "\\u0000", "\ud800", "\ud801", "\ufffd", "\\ud800"];
    const all = [...ids, ...ids.map(keyColumn)];
    const distinct = new Set(all);
    expect(new Set([...distinct].map(keyColumn)).size).toBe(distinct.size);
  });

  it("is never longer than an index row bears", () => {
    for (const id of ODD_IDS) expect(Buffer.byteLength(keyColumn(id))).toBeLessThanOrEqual(200);
  });

  it("leaves a missing id missing", () => {
    expect([null, undefined, ""].map(optionalKeyColumn)).toEqual([null, null, ""]);
  });
});
