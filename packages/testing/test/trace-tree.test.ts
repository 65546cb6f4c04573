import { describe, expect, test } from "vitest";

import { buildTraceTrees, renderTrace, type TraceRun } from "../src/langsmith/trace-tree.ts";

function run(id: string, parent?: string, more: Partial<TraceRun> = {}): TraceRun {
  return {
    id,
    name: id,
    run_type: "chain",
    parent_run_id: parent,
    dotted_order: id,
    status: "success",
    ...more,
  };
}

describe("a drawn trace", () => {
  const trace = [
    run("b-tools", "a-root", { run_type: "tool", start_time: 0, end_time: 1500 }),
    run("a-root", undefined, { start_time: 0, end_time: 61_234 }),
    run("a2-model", "a1-agent", { run_type: "llm", start_time: 0, end_time: 12.4 }),
    run("a1-agent", "a-root", { start_time: 0, end_time: 999 }),
    run("c-pending", "a-root", { status: "pending", start_time: 0 }),
    run("d-failed", "a-root", {
      status: "error",
      error: "Boom\n  at x",
      start_time: 0,
      end_time: 1,
    }),
  ];

  test("is the same whatever order its runs come in", () => {
    const drawn = [
      "a-root          chain  61.23 s  success",
      "├─ a1-agent     chain   999 ms  success",
      "│  └─ a2-model  llm      12 ms  success",
      "├─ b-tools      tool    1.50 s  success",
      "├─ c-pending    chain           pending",
      "└─ d-failed     chain     1 ms  error: Boom",
    ].join("\n");
    expect(renderTrace(trace)).toBe(drawn);
    expect(renderTrace(trace.toReversed())).toBe(drawn);
  });

  test("takes durations from the caller, or leaves them out", () => {
    expect(renderTrace([run("a")], { durationMs: () => 20 })).toBe("a  chain  20 ms  success");
    expect(renderTrace(trace, { durationMs: () => undefined })).not.toContain("ms");
  });

  test("shows control characters of a hostile name as a mark, on one line", () => {
    const hostile = run("a", undefined, { name: "x\u001b[31m\ny\u202ez", error: "a\u0007b" });
    const drawn = renderTrace([hostile]);
    expect(drawn).toBe("x�[31m�y�z  chain  success: a�b");
  });

  test("of no runs is empty", () => {
    expect(renderTrace([])).toBe("");
  });
});

describe("a tree", () => {
  test("makes roots of runs whose parent is missing, or is themselves", () => {
    const trees = buildTraceTrees([run("a", "gone"), run("b", "b"), run("c", "b")]);
    expect(trees.map((tree) => tree.run.id)).toEqual(["a", "b"]);
    expect(trees[1]?.children.map((child) => child.run.id)).toEqual(["c"]);
  });

  test("is built of thousands of runs at once", () => {
    const many = Array.from({ length: 5000 }, (_, index) =>
      run(String(index).padStart(5, "0"), index === 0 ? undefined : "00000"),
    );
    expect(buildTraceTrees(many)[0]?.children).toHaveLength(4999);
  });
});
