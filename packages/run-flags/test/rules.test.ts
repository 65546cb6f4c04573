import { describe, expect, test } from "vitest";

import { defaultRules } from "../src/rules/default-rules.ts";
import { defineFlagRule } from "../src/rules/define-flag-rule.ts";
import type { FlagRule } from "../src/rules/flag-rule.ts";
import { scoreOf } from "../src/score/score.ts";
import { weights } from "../src/score/weights.ts";
import { answering, bad, judged, ok, rulesOf, sampleRun, times, turn } from "./sample-run.ts";

const sample = sampleRun();
const [look, refund, answer] = sample.turns;
const lines = [look, refund, answer].flatMap((one) => one ?? []);

describe("rules that need no history", () => {
  test("a run that did its work raises nothing", () => {
    expect(judged(sample)).toMatchObject({
      flags: [],
      flagged: false,
      severity: "info",
      broken: [],
    });
  });

  test.each([
    ["no-tool-call", sampleRun({ turns: [turn([], "It is refunded.")] }), null],
    [
      "last-call-failed",
      sampleRun({
        turns: [
          ...lines.slice(0, 1),
          turn([bad("refund_order", { id: "A-1001" }, "denied")]),
          turn([], "Refunded."),
        ],
      }),
      1,
    ],
    [
      "failed-tool-ignored",
      sampleRun({
        turns: [
          turn([bad("refund_order", {}, "denied")]),
          turn([ok("get_order", {}, "x")]),
          turn([], "Refunded."),
        ],
      }),
      0,
    ],
    [
      "cut-off",
      sampleRun({ turns: [...lines.slice(0, 1), turn([{ tool: "refund_order", arguments: {} }])] }),
      1,
    ],
    [
      "unknown-tool",
      sampleRun({
        turns: [turn([{ ...bad("refnd", {}, "no such tool"), known: false }]), ...lines],
      }),
      0,
    ],
    [
      "invalid-arguments",
      sampleRun({
        turns: [turn([{ ...bad("refund_order", {}, "id is missing"), valid: false }]), ...lines],
      }),
      0,
    ],
    [
      "loop",
      sampleRun({ loop: { kind: "same-call-same-result", rounds: 5, action: "block", step: 4 } }),
      4,
    ],
    [
      "repeated-call",
      sampleRun({
        turns: [...[0, 1, 2].map(() => turn([ok("poll", { id: 1 }, "pending")])), ...lines],
      }),
      0,
    ],
    [
      "tool-error-ended-run",
      sampleRun({
        outcome: "failed",
        error: { code: "TypeError", message: "x" },
        turns: [...lines.slice(0, 1), turn([bad("refund_order", {}, "gateway down")])],
      }),
      1,
    ],
    [
      "answer-cut-short",
      sampleRun({
        turns: [...lines.slice(0, 2), { ...turn([], "Order A-1001 was"), cutShort: "length" }],
      }),
      null,
    ],
    ["effect-unknown", sampleRun({ unknownEffects: ["refund_order", "mail"] }), 1],
    ["breaker-opened", sampleRun({ breakers: ["refund_order"] }), null],
    ["answer-asks-back", answering("Could you please provide the order number?"), null],
    ["answer-refuses", answering("I'm sorry, I could not find that order."), null],
    ["answer-only-announces", answering("I found it. Next, I will refund the order."), null],
    ["call-written-as-text", answering('<function=refund_order>{"id": 1}</function>'), null],
    ["answer-empty", answering(""), null],
    ["answer-breaks-off", answering("Here is the result:\n```json\n{"), null],
    [
      "fewer-calls-than-tasks",
      answering("Done.", "1. Refund A-1001. 2. Mail Anna. 3. Close the case."),
      null,
    ],
    ["asked-change-not-made", answering("Done with A-1001.", "Delete order A-1001."), null],
    [
      "request-detail-unused",
      answering("Done with A-1001.", "Refund A-1001 and tell bob@example.com."),
      null,
    ],
    [
      "ended-in-error",
      sampleRun({ outcome: "failed", error: { code: "tool-changed", message: "x" } }),
      1,
    ],
    ["ended-in-error", sampleRun({ outcome: "died" }), 1],
    ["superseded", sampleRun({ outcome: "superseded" }), null],
    ["retried", sampleRun({ attempts: 3, resumes: 2 }), null],
    ["config-drift", sampleRun({ drift: ["model.temperature"] }), null],
    ["budget-nearly-spent", sampleRun({ budgetSpent: 0.95 }), null],
    [
      "large-result",
      sampleRun({ turns: [turn([ok("read_log", {}, "x".repeat(60_000))]), ...lines] }),
      0,
    ],
    ["over-limit", sampleRun({ tokens: { input: 9_000_000, output: 1 } }), null],
    ["over-limit", sampleRun({ costUsd: 12 }), null],
    ["over-limit", sampleRun({ endedAt: "2026-11-03T10:00:00.000Z" }), null],
  ])("%s", (rule, facts, step) => {
    const flag = judged(facts).flags.find((one) => one.rule === rule);
    expect(flag).toMatchObject({ step });
    expect(flag?.evidence).toMatch(/\.$/);
    expect(flag?.strength).toBeGreaterThan(0);
    expect(rulesOf(judged(sample))).not.toContain(rule);
  });

  test.each([
    [
      "no tool was on offer",
      sampleRun({ offered: [], turns: [turn([], "Good morning.")] }),
      "no-tool-call",
    ],
    [
      "a tool failed and then worked",
      sampleRun({ turns: [turn([bad("get_order", {}, "timeout")]), ...lines] }),
      "failed-tool-ignored",
    ],
    [
      "the last reply of a conversation asks",
      {
        ...answering("Could you please provide feedback?"),
        requests: [
          { text: "a", beforeTurn: 0 },
          { text: "b", beforeTurn: 1 },
        ],
      },
      "answer-asks-back",
    ],
    [
      "a shell did the deleting",
      sampleRun({
        requests: [{ text: "Delete the file.", beforeTurn: 0 }],
        turns: [turn([ok("bash", { command: "rm a" }, "")]), turn([], "Deleted.")],
      }),
      "asked-change-not-made",
    ],
    [
      "no tool on offer could delete",
      sampleRun({
        offered: ["get_order", "refund_order"],
        requests: [{ text: "Delete A-1001.", beforeTurn: 0 }],
      }),
      "asked-change-not-made",
    ],
    [
      "a paused run has no answer yet",
      sampleRun({ outcome: "interrupted", turns: lines.slice(0, 2) }),
      "ended-in-error",
    ],
    [
      "a call was repeated and its answer changed",
      sampleRun({
        turns: [...[0, 1, 2].map((at) => turn([ok("poll", { id: 1 }, `at ${at} %`)])), ...lines],
      }),
      "repeated-call",
    ],
    [
      "a loop says the same already",
      sampleRun({
        loop: { kind: "same-call-same-result", rounds: 3, action: "steer", step: 0 },
        turns: [...[0, 1, 2].map(() => turn([ok("poll", { id: 1 }, "pending")])), ...lines],
      }),
      "repeated-call",
    ],
    [
      "a run was cut off before its first call",
      sampleRun({ outcome: "superseded", turns: [] }),
      "no-tool-call",
    ],
    [
      "a large result among larger ones",
      sampleRun({
        turns: [turn([ok("a", {}, "x".repeat(30_000)), ok("b", {}, "y".repeat(30_000))]), ...lines],
      }),
      "large-result",
    ],
  ])("silent where %s", (_, facts, rule) => {
    expect(rulesOf(judged(facts))).not.toContain(rule);
  });
});

describe("rules that compare with good runs", () => {
  const history = times(12);

  test.each([
    ["usual-tool-missing", sampleRun({ turns: [...lines.slice(0, 1), ...lines.slice(2)] })],
    [
      "usual-arguments-missing",
      sampleRun({
        turns: [
          ...lines.slice(0, 1),
          turn([ok("refund_order", { id: "A-9", amount: 4 }, "ok")]),
          ...lines.slice(2),
        ],
      }),
    ],
    ["answer-lacks-usual-facts", answering("All done.")],
    ["usual-call-count-off", sampleRun({ turns: [...lines.slice(0, 2), ...lines.slice(1)] })],
    ["unusual-tool", sampleRun({ turns: [turn([ok("close_account", {}, "ok")]), ...lines] })],
    ["no-tool-call", sampleRun({ turns: [turn([], "Done.")] })],
    ["few-steps", sampleRun({ turns: [turn([], "Done.")] })],
    [
      "many-steps",
      sampleRun({
        turns: [
          ...Array.from({ length: 9 }, (_, id) => turn([ok("get_order", { id }, "x")])),
          ...lines,
        ],
      }),
    ],
    ["few-tokens", sampleRun({ tokens: { input: 10, output: 1 } })],
    ["many-tokens", sampleRun({ tokens: { input: 900_000, output: 1 } })],
    ["low-cost", sampleRun({ costUsd: 0.0001 })],
    ["high-cost", sampleRun({ costUsd: 3 })],
    ["short-latency", sampleRun({ endedAt: "2026-11-02T10:00:00.100Z" })],
    ["long-latency", sampleRun({ endedAt: "2026-11-02T10:20:00.000Z" })],
    ["short-answer", answering("Ok.")],
    ["long-answer", answering("The refund was made. ".repeat(60))],
  ])("%s", (rule, facts) => {
    const priced = history.map((run) => ({
      ...run,
      costUsd: 0.05,
      tokens: { input: 5_000, output: 500 },
    }));
    expect(rulesOf(judged(facts, priced))).toContain(rule);
    expect(rulesOf(judged(facts))).toEqual(
      rulesOf(judged(facts)).filter((name) => name !== rule || rule === "no-tool-call"),
    );
  });

  test("using no tool is nothing where good runs use none", () => {
    const chat = sampleRun({
      requests: [{ text: "Good morning!", beforeTurn: 0 }],
      turns: [turn([], "Good morning.")],
    });
    expect(rulesOf(judged(chat, times(12, chat)))).toEqual([]);
  });

  test("history that piles up at a step limit makes no short run suspicious", () => {
    const long = (calls: number) =>
      sampleRun({
        turns: [
          ...Array.from({ length: calls }, (_, id) => turn([ok("look", { id }, "x")])),
          ...lines,
        ],
      });
    const limited = [...times(8, long(38)), ...times(4, long(30))];
    expect(rulesOf(judged(long(5), limited))).not.toContain("few-steps");
    const habitual = [30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41].map(long);
    expect(rulesOf(judged(long(5), habitual))).toContain("few-steps");
  });
});

describe("the judgement", () => {
  test("lists the gravest finding first", () => {
    const facts = sampleRun({ outcome: "failed", drift: ["prompt"] });
    const { flags, severity, flagged } = judged(facts);
    expect(flags[0]).toMatchObject({ rule: "ended-in-error", severity: "high" });
    expect({ severity, flagged }).toEqual({ severity: "high", flagged: true });
  });

  test("several mild signs together mark a run, one alone does not", () => {
    expect(judged(answering("Could you please provide the order number?")).flagged).toBe(false);
    const both = answering(
      "I'm sorry, I could not find it. Could you please provide the order number?",
    );
    expect(judged(both).flagged).toBe(true);
  });

  test("a rule that throws is reported and takes no other with it", () => {
    const broken: FlagRule = {
      name: "broken",
      failureClass: "unknown",
      judge: () => {
        throw new Error("no such field");
      },
    };
    const result = judged(sampleRun({ outcome: "failed" }), undefined, {
      rules: [broken, ...defaultRules],
    });
    expect(result.broken).toEqual([{ rule: "broken", message: "no such field" }]);
    expect(rulesOf(result)).toContain("ended-in-error");
  });

  test("a rule of one's own is judged, scored and cut to size", () => {
    const own = defineFlagRule({
      name: "refund-over-30",
      failureClass: "policy",
      judge: ({ tools }) =>
        tools["refund_order"]
          ? { strength: 7, severity: "critical", evidence: "x".repeat(2_000), step: 1 }
          : undefined,
    });
    const result = judged(sample, undefined, { rules: [own] });
    expect(result).toMatchObject({ flagged: true, severity: "critical" });
    expect(result.flags[0]).toMatchObject({ rule: "refund-over-30", strength: 1 });
    expect(result.flags[0]?.evidence).toHaveLength(500);
    expect(result.score).toBeGreaterThan(judged(sample).score);
  });

  test.each([
    ["has spaces", { name: "has spaces", failureClass: "policy", judge: () => undefined }],
    ["is empty", { name: "", failureClass: "policy", judge: () => undefined }],
    ["has no judge", { name: "fine", failureClass: "policy", judge: 5 }],
  ])("a rule that %s is refused with a code", (_, rule) => {
    expect(() => defineFlagRule(rule as unknown as FlagRule)).toThrow(
      expect.objectContaining({ code: "invalid-flag-rule" }),
    );
  });

  test("every built-in rule has a name of its own and a weight", () => {
    const names = defaultRules.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(weights.compared.rules).toHaveProperty([name]);
  });
});

describe("the score", () => {
  const all = defaultRules.map(({ name }) => ({ rule: name, strength: 1 }));

  test("lies between 0 and 1 and never falls when a sign is added", () => {
    for (const compared of [false, true]) {
      let before = scoreOf([], compared, weights);
      for (let count = 1; count <= all.length; count += 1) {
        const score = scoreOf(all.slice(0, count), compared, weights);
        expect(score).toBeGreaterThanOrEqual(before);
        before = score;
      }
      expect(before).toBeLessThanOrEqual(1);
      expect(scoreOf([], compared, weights)).toBeGreaterThan(0);
    }
  });

  test("grows with a sign's strength", () => {
    const at = (strength: number) => scoreOf([{ rule: "no-tool-call", strength }], false, weights);
    expect(at(1)).toBeGreaterThan(at(0.5));
  });

  test("gives a rule it does not know a small weight", () => {
    expect(scoreOf([{ rule: "constructor", strength: 1 }], false, weights)).toBe(
      scoreOf([{ rule: "my-own", strength: 1 }], false, weights),
    );
  });
});
