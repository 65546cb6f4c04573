import { describe, expect, test } from "vitest";

import { emptyLoopState, observeTurn } from "../src/detectors/loop-state.ts";
import { looksLikeChange } from "../src/turns/changes.ts";
import { digestTurn } from "../src/turns/turn-digest.ts";
import { called, failed, fold, laps, parallel, said, seeded } from "./support/turns.ts";

describe("loops are seen", () => {
  test("three equal calls with equal results steer, five block, eight stop", () => {
    const { actions, findings } = fold(laps(8, [called("search", { q: "x" }, "[]")]));
    expect(actions).toEqual(["none", "none", "steer", "steer", "block", "block", "block", "stop"]);
    expect(findings[0]).toMatchObject({
      kind: "same-call-same-result",
      count: 8,
      tools: ["search"],
    });
  });

  test("three equal calls that fail alike are named a failure", () => {
    const { findings } = fold(
      [1, 2, 3].map((row) => failed("query", { sql: "SELECT 1" }, `Error in row ${row}: denied`)),
    );
    expect(findings[0]).toMatchObject({ kind: "same-call-same-error", rounds: 3 });
  });

  test("equal calls with other calls in between are still equal calls", () => {
    const turns = [1, 2, 3].flatMap((page) => [
      called("search", { q: "x" }, "nothing"),
      called("read", { page }, `page ${page}`),
    ]);
    expect(fold(turns).actions).toEqual(["none", "none", "none", "none", "steer", "none"]);
  });

  test.each([2, 3, 4, 5, 6])("a cycle of %i turns is seen in its third lap", (period) => {
    const lap = Array.from({ length: period }, (_, index) =>
      called("read", { index }, `r${index}`),
    );
    const { findings } = fold(laps(3, lap));
    expect(findings.find(({ kind }) => kind === "cycle")).toMatchObject({ count: 3, rounds: 3 });
  });

  test("one tool failing in one way with changing arguments is seen at six", () => {
    const turns = Array.from({ length: 6 }, (_, index) =>
      failed("query", { sql: `SELECT ${index}` }, `Unknown column 'c${index}'`),
    );
    const { findings, actions } = fold(turns);
    expect(findings.find(({ kind }) => kind === "same-error")).toMatchObject({
      count: 6,
      rounds: 3,
    });
    expect(actions.slice(0, 5)).not.toContain("steer");
  });

  test("asking twice for tools that do not exist is enough", () => {
    const unknown = (tool: string) =>
      parallel({ tool, arguments: {}, result: `no tool ${tool}`, failed: true, known: false });
    const { findings, actions } = fold([unknown("serch"), unknown("sarch"), unknown("surch")]);
    expect(actions).toEqual(["none", "steer", "block"]);
    expect(findings.find(({ kind }) => kind === "unknown-tool")?.tools).toEqual([
      "serch",
      "sarch",
      "surch",
    ]);
  });

  test("three equal replies without a call are seen", () => {
    expect(fold(laps(3, [said("I am working on it.")])).findings[0]).toMatchObject({
      kind: "repeated-text",
      count: 3,
    });
  });

  test("twelve turns that bring nothing new are seen although the arguments change", () => {
    const turns = Array.from({ length: 14 }, (_, index) =>
      called("search", { index }, "no results"),
    );
    const { findings } = fold(turns);
    expect(findings.find(({ kind }) => kind === "no-news")).toMatchObject({ rounds: 3, count: 13 });
  });

  test("a blocked call counts on although it got another answer", () => {
    const blocked = parallel({
      tool: "search",
      arguments: { q: "x" },
      result: "Not executed.",
      blocked: true,
    });
    const { actions } = fold([
      ...laps(5, [called("search", { q: "x" }, "[]")]),
      ...laps(3, [blocked]),
    ]);
    expect(actions.slice(4)).toEqual(["block", "block", "block", "stop"]);
  });

  test("equal up to an empty member and a trailing blank counts as equal", () => {
    const { actions } = fold([
      called("search", { q: "x" }, "[]"),
      called("search", { q: "x ", filter: [] }, "[]"),
      called("search", { filter: null, q: "X" }, "[]"),
    ]);
    expect(actions.at(-1)).toBe("steer");
  });
});

describe("work passes", () => {
  test("a job that is polled until it is done, even without progress in its answers", () => {
    const poll = called("job_status", { id: 7 }, '{"status": "running"}');
    const { actions } = fold([
      ...laps(15, [poll]),
      called("job_status", { id: 7 }, '{"status": "done"}'),
    ]);
    expect(new Set(actions)).toEqual(new Set(["none"]));
  });

  test("polling has an end too", () => {
    const { actions } = fold(laps(48, [called("job_status", { id: 7 }, "pending")]));
    expect(actions.indexOf("steer")).toBe(17);
    expect(actions.at(-1)).toBe("stop");
  });

  test("a job that reports progress is left alone for ever", () => {
    const turns = Array.from({ length: 60 }, (_, done) =>
      called("progress", {}, `${done} of 60 files copied`),
    );
    expect(new Set(fold(turns).actions)).toEqual(new Set(["none"]));
  });

  test("tools named as polls are polled in peace", () => {
    const turns = laps(10, [called("inbox", {}, "no mail")]);
    expect(fold(turns).actions).toContain("stop");
    expect(new Set(fold(turns, { poll: (tool) => tool === "inbox" }).actions)).toEqual(
      new Set(["none"]),
    );
  });

  test("tests run again after edits, with changing results", () => {
    const turns = [4, 3, 2, 1, 0].flatMap((left) => [
      called("edit_file", { path: "a.ts", text: `fix ${left}` }, "ok"),
      called("run_tests", {}, `${left} failed in 0.${left}s`),
    ]);
    expect(new Set(fold(turns).actions)).toEqual(new Set(["none"]));
  });

  test("tests run four times after edits, still failing alike", () => {
    const turns = [1, 2, 3, 4].flatMap((version) => [
      called("bash", { command: `sed -i s/a/b${version}/ x.py` }, ""),
      called("bash", { command: "pytest -q" }, "1 failed in 0.31s"),
    ]);
    expect(new Set(fold(turns).actions)).toEqual(new Set(["none"]));
  });

  test("a batch of calls with other arguments each", () => {
    const turns = Array.from({ length: 40 }, (_, id) => called("send_mail", { id }, "sent"));
    expect(new Set(fold(turns).actions)).toEqual(new Set(["none"]));
  });

  test("a batch of checks that all come out the same", () => {
    const turns = Array.from({ length: 40 }, (_, id) => called("check_order", { id }, "ok"));
    expect(new Set(fold(turns).actions)).toEqual(new Set(["none"]));
  });

  test("a turn that asks something new besides is no repeat", () => {
    const turns = Array.from({ length: 6 }, (_, page) =>
      parallel(
        { tool: "clock", arguments: {}, result: "noon" },
        { tool: "read", arguments: { page }, result: `page ${page}` },
      ),
    );
    expect(new Set(fold(turns).actions)).toEqual(new Set(["none"]));
  });

  test("the same set of parallel calls is one repeat a turn, in any order", () => {
    const a = { tool: "read", arguments: { file: "a" }, result: "A" };
    const b = { tool: "read", arguments: { file: "b" }, result: "B" };
    const { actions } = fold([parallel(a, b), parallel(b, a), parallel(a, b)]);
    expect(actions).toEqual(["none", "none", "steer"]);
  });

  test("equal calls inside one turn count once", () => {
    const call = { tool: "read", arguments: { file: "a" }, result: "A" };
    expect(fold([parallel(call, call, call, call)]).findings).toEqual([]);
  });

  test("a changed result starts the count again", () => {
    const { actions } = fold([
      ...laps(2, [called("list", {}, "a")]),
      called("list", {}, "a, b"),
      ...laps(2, [called("list", {}, "a, b")]),
    ]);
    expect(actions).toEqual(["none", "none", "none", "none", "steer"]);
  });

  test("one turn of progress steps off the ladder", () => {
    const { actions } = fold([
      ...laps(4, [called("list", {}, "a")]),
      called("read", { id: 1 }, "text"),
    ]);
    expect(actions.at(-1)).toBe("none");
  });

  test("equal calls more than twelve turns apart are no loop", () => {
    const read = (page: number) => called("read", { page }, `p${page}`);
    const turns = Array.from({ length: 66 }, (_, turn) =>
      turn % 13 === 0 ? called("list", {}, "a") : read(turn),
    );
    expect(new Set(fold(turns).actions)).toEqual(new Set(["none"]));
  });

  test("exempt tools and switched-off patterns are never counted", () => {
    const turns = laps(9, [called("tick", {}, "ok")]);
    expect(fold(turns, { exempt: ["tick"] }).findings).toEqual([]);
    const kinds = fold(turns, { off: ["same-call-same-result", "no-news"] }).findings;
    expect(kinds).toEqual([]);
  });

  test("calls that have no answer yet are not counted", () => {
    const pending = parallel({ tool: "read", arguments: {} });
    expect(fold(laps(6, [pending])).findings).toEqual([]);
  });
});

describe("the state", () => {
  const random = seeded(11);
  const anyTurn = () =>
    parallel(
      ...Array.from({ length: 1 + random(4) }, () => ({
        id: `call-${random(1e9)}${"x".repeat(random(2_000))}`,
        tool: `tool${random(20)}${"t".repeat(random(300))}`,
        arguments: { a: random(30), [`k${"y".repeat(random(200))}`]: "z".repeat(random(3_000)) },
        result: `answer ${random(40)} ${"w".repeat(random(3_000))}`,
        failed: random(3) === 0,
        known: random(5) > 0,
      })),
    );

  test("stays under 6 KB over 500 wild turns and is plain JSON", () => {
    let state = emptyLoopState;
    let largest = 0;
    for (let turn = 0; turn < 500; turn += 1) {
      state = observeTurn(state, digestTurn(anyTurn())).state;
      largest = Math.max(largest, JSON.stringify(state).length);
    }
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    expect(largest).toBeLessThan(6_000);
    expect(state.turn).toBe(500);
  });

  test("is never changed in place", () => {
    const before = fold(laps(3, [called("read", {}, "a")])).state;
    const copy = structuredClone(before);
    observeTurn(before, digestTurn(called("read", {}, "a")));
    expect(before).toEqual(copy);
  });

  test("two interleaved threads count as if they were alone", () => {
    const one = laps(4, [called("a", {}, "1")]);
    const other = laps(4, [called("b", {}, "2"), called("c", {}, "3")]);
    let left = emptyLoopState;
    let right = emptyLoopState;
    for (let turn = 0; turn < 8; turn += 1) {
      const ours = one[turn];
      const theirs = other[turn];
      if (ours !== undefined) left = observeTurn(left, digestTurn(ours)).state;
      if (theirs !== undefined) right = observeTurn(right, digestTurn(theirs)).state;
    }
    expect(left).toEqual(fold(one).state);
    expect(right).toEqual(fold(other).state);
  });
});

test.each([
  [true, "send_email", {}],
  [true, "createOrder", {}],
  [true, "str_replace_editor", { command: "str_replace", path: "a" }],
  [true, "bash", { command: "sed -i s/a/b/ x" }],
  [true, "bash", { command: "echo a > b.txt" }],
  [true, "sql", { query: "UPDATE t SET a = 1" }],
  [false, "get_email", {}],
  [false, "bash", { command: "pytest 2>&1 | tail" }],
  [false, "bash", { command: "ls > /dev/null" }],
  [false, "search", { query: "how to delete" }],
  [false, "settings", {}],
])("changes something, guessed %s: %s %j", (expected, tool, callArguments) => {
  expect(looksLikeChange(tool, callArguments)).toBe(expected);
});
