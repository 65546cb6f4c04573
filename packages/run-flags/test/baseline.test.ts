import { describe, expect, test } from "vitest";

import { baselineEntry, baselineKeys, summarizeBaseline } from "../src/baseline.ts";
import { isCleanRun } from "../src/clean-run.ts";
import { judge, judgeTwice } from "../src/judge.ts";
import { recordRun } from "../src/record-run.ts";
import { defaultRules } from "../src/rules/default-rules.ts";
import type { FlagRule } from "../src/rules/flag-rule.ts";
import { distanceOn, logOf, logScaleOf, median, robustScale } from "../src/score/robust-z.ts";
import { answering, judged, rulesOf, sampleRun, times, turn } from "./sample-run.ts";

const record = recordRun(sampleRun());
const entry = baselineEntry(record);

const robustZ = (value: number, history: readonly number[], floor: number): number =>
  distanceOn(robustScale(history, floor), value);
const robustLogZ = (value: number, history: readonly number[]): number =>
  distanceOn(logScaleOf(history), logOf(value));

describe("robust deviations", () => {
  test.each([
    [[], 0],
    [[3], 3],
    [[1, 3], 2],
    [[5, 1, 3], 3],
    [[1, Number.NaN, 3, 5], 3],
  ])("the median of %j is %d", (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  test("up to half of the history can be bad without moving the verdict much", () => {
    const good = [9, 10, 10, 11, 10, 9, 11, 10, 10, 11];
    const poisoned = [...good, ...Array.from({ length: 8 }, () => 10_000)];
    expect(robustZ(20, good, 0.5)).toBeGreaterThan(4);
    expect(robustZ(20, poisoned, 0.5)).toBeGreaterThan(2);
    expect(Math.abs(robustZ(10, poisoned, 0.5))).toBeLessThan(1);
  });

  test("history that always says the same makes one more no wonder", () => {
    expect(robustZ(4, [3, 3, 3, 3, 3], 0.5)).toBe(2);
  });

  test("amounts are compared by ratio", () => {
    const history = [900, 1_000, 1_100, 1_000, 950];
    expect(robustLogZ(10_000, history)).toBeCloseTo(-robustLogZ(100, history), 0);
  });
});

describe("history", () => {
  test("is silent below five runs and sums up the last fifty", () => {
    expect(summarizeBaseline(Array.from({ length: 4 }, () => entry))).toBeUndefined();
    expect(summarizeBaseline(Array.from({ length: 5 }, () => entry))?.runs).toBe(5);
    expect(summarizeBaseline(Array.from({ length: 500 }, () => entry))?.runs).toBe(50);
    expect(summarizeBaseline([], { minRuns: 0 })).toBeUndefined();
  });

  test("says how many runs used a tool", () => {
    const other = { ...entry, tools: { get_order: 1 } };
    const baseline = summarizeBaseline([entry, entry, entry, other, other]);
    expect(baseline?.tools.get("get_order")).toBe(1);
    expect(baseline?.tools.get("refund_order")).toBeCloseTo(0.6);
  });

  test("is looked up by configuration first and never across tenants or modes", () => {
    const keys = baselineKeys({ ...record, manifestHash: "m1", scope: "acme" });
    expect(keys).toHaveLength(2);
    expect(keys[0]).toContain("m1");
    expect(baselineKeys({ ...record, scope: "other" })).not.toEqual(baselineKeys(record));
    expect(baselineKeys({ ...record, mode: "eval" })).not.toEqual(baselineKeys(record));
    expect(baselineKeys({ ...record, manifestHash: "m2" }).at(-1)).toBe(
      baselineKeys(record).at(-1),
    );
  });
});

describe("which runs stand as good ones", () => {
  const clean = (facts: Parameters<typeof recordRun>[0], byPerson = false) =>
    isCleanRun(recordRun(facts), judged(facts), byPerson);

  test("one that completed without a sign of its own", () => {
    expect(clean(sampleRun())).toBe(true);
  });

  test.each([
    ["one that failed", sampleRun({ outcome: "failed" })],
    ["one that asked back", answering("Could you please provide the order number?")],
    ["one that used no tool", sampleRun({ turns: [turn([], "It is refunded.")] })],
  ])("not %s", (_, facts) => {
    expect(clean(facts)).toBe(false);
  });

  test("not one that a person flagged", () => {
    expect(clean(sampleRun(), true)).toBe(false);
  });
});

describe("against a baseline", () => {
  test("a run like the others raises nothing", () => {
    expect(rulesOf(judged(sampleRun(), times(20)))).toEqual([]);
  });

  test("a poisoned minority of the history changes no verdict", () => {
    const lazy = sampleRun({ turns: [turn([], "Done.")] });
    const history = [...times(20), ...times(9, lazy)];
    expect(rulesOf(judged(sampleRun(), history))).toEqual([]);
    expect(judged(lazy, history).flagged).toBe(true);
  });

  test("a rule that does not look at it is asked once, and the verdicts are the same", () => {
    const lazy = recordRun(sampleRun({ turns: [turn([], "I am sorry. Could you please")] }));
    const baseline = summarizeBaseline(times(20).map((run) => baselineEntry(recordRun(run))));
    let asked = 0;
    const own: FlagRule = {
      name: "own-rule",
      failureClass: "policy",
      judge: () => {
        asked += 1;
        return { strength: 0.5, severity: "low", evidence: "Seen.", step: null };
      },
    };
    const rules = [...defaultRules, own];
    const { alone, judgement } = judgeTwice(lazy, baseline, { rules });
    expect(asked).toBe(1);
    expect(alone).toEqual(judge(lazy, undefined, { rules }));
    expect(judgement).toEqual(judge(lazy, baseline, { rules }));
    expect(rulesOf(judgement)).toContain("usual-tool-missing");
    expect(rulesOf(alone)).not.toContain("usual-tool-missing");
  });
});
