import { describe, expect, test } from "vitest";

import { type Aim, judge } from "./aims.ts";
import { benchCases, noOps } from "./cases.ts";
import type { ExactCounts } from "./exact-counts.ts";
import type { BenchRow } from "./measure-rows.ts";

const COUNTS: ExactCounts = {
  supersteps: 11,
  checkpoints: 13,
  statements: 123,
  rows: 72,
  bytes: 40_000,
  tables: new Map([
    ["public.checkpoints", { rows: 13, bytes: 5_000 }],
    ["public.checkpoint_blobs", { rows: 59, bytes: 35_000 }],
  ]),
  repeatable: true,
};

function row(id: string, changes: Partial<BenchRow> = {}): BenchRow {
  const benchCase = benchCases(() => noOps(1)[0] ?? { name: "none" }).find((one) => one.id === id);
  if (benchCase === undefined) throw new Error(`There is no row ${id}.`);
  return {
    case: benchCase,
    calls: 5,
    thinkMs: 0,
    reference: COUNTS,
    counts: COUNTS,
    times: {
      pairs: 100,
      ratio: 1.03,
      interval: { low: 1.02, high: 1.04 },
      referenceMs: 20,
      variantMs: 20.6,
      differenceMs: 0.6,
    },
    guard: { modelMs: 0.1, toolMs: 0.1, floor: { modelMs: 0.1, toolMs: 0.1 } },
    ...changes,
  };
}

function aimsOf(...rows: BenchRow[]): Aim[] {
  return judge({ rows, steps: [], construction: [{ title: "StateGraph", ms: 0.2 }] });
}

function heldOf(aims: readonly Aim[]): Record<string, boolean> {
  return Object.fromEntries(aims.map(({ aim, held }) => [aim, held]));
}

describe("the verdict", () => {
  test("holds where every figure is within its aim", () => {
    expect(aimsOf(row("stategraph-6")).every(({ held }) => held)).toBe(true);
  });

  test("is exact about supersteps and checkpoints, and about nothing else", () => {
    const exact = aimsOf(row("stategraph-6")).filter((aim) => aim.exact);
    expect(exact.map(({ aim }) => aim)).toEqual([
      "supersteps and checkpoints equal the bare graph's",
    ]);
  });

  test.each([{ supersteps: 12 }, { checkpoints: 14 }])("falls with %o", (change) => {
    const off = row("createagent-1", { counts: { ...COUNTS, ...change } });
    const [counted] = aimsOf(row("stategraph-6"), off);
    expect(counted?.held).toBe(false);
    expect(counted?.figure).toBe("off: createAgent, 1 no-op, 5 calls");
  });

  test("takes no offence at what other middleware adds", () => {
    const builtIns = row("builtins", { counts: { ...COUNTS, supersteps: 37 } });
    expect(heldOf(aimsOf(builtIns, row("stategraph-6")))).toHaveProperty(
      ["supersteps and checkpoints equal the bare graph's"],
      true,
    );
  });

  test("judges wall time by the upper end of the interval", () => {
    const times = { ...row("stategraph-6").times, interval: { low: 1, high: 1.06 } };
    const wall = aimsOf(row("stategraph-6", { times })).find(({ aim }) => aim.startsWith("wall"));
    expect(wall).toMatchObject({ held: false, exact: false });
    expect(wall?.figure).toBe("over: 1.060 StateGraph, 6 no-op, 5 calls");
  });
});

describe("where the model thinks", () => {
  test("wall time is judged apart from where it answers at once", () => {
    const slow = { ...row("stategraph-6").times, interval: { low: 1, high: 1.2 } };
    const walls = aimsOf(row("stategraph-6", { times: slow }), row("stategraph-6", { thinkMs: 50 }))
      .filter(({ aim }) => aim.startsWith("wall"))
      .map(({ aim, held }) => [aim.split(", where ")[1], held]);
    expect(walls).toEqual([
      ["the model answers at once", false],
      ["the model thinks 50 ms", true],
    ]);
  });
});

describe("the manifest", () => {
  const frozen = (calls: number, blobs: number): BenchRow => {
    const tables = new Map(COUNTS.tables).set("public.checkpoint_blobs", {
      rows: 60,
      bytes: blobs,
    });
    const bytes = 5_000 + blobs;
    return row("stategraph-freeze", { calls, counts: { ...COUNTS, bytes, tables } });
  };
  const once = (rows: BenchRow[]): boolean | undefined =>
    aimsOf(...rows).find(({ aim }) => aim.includes("manifest"))?.held;

  test("is written once where a long run grows by as much as a short one", () => {
    expect(once([frozen(5, 39_000), frozen(30, 39_000)])).toBe(true);
  });

  test("is written again and again where it grows by more", () => {
    expect(once([frozen(5, 39_000), frozen(30, 64_000)])).toBe(false);
  });

  test("cannot be judged by runs of one length", () => {
    expect(once([frozen(5, 39_000)])).toBeUndefined();
  });
});
