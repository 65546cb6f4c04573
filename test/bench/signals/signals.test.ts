import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { memoryStore } from "@evenkeel/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { runFlagsMiddleware } from "../../../packages/run-flags/src/index.ts";
import { type CorpusRun, corpusFiles, readRuns } from "./corpus.ts";
import { fitWeights } from "./fit.ts";
import { judgeCompared } from "./judged-runs.ts";
import { pairFigures, pooledAuc, ruleFigures, withinTaskAuc } from "./metrics.ts";
import { playAmongSiblings, playCorpus } from "./played-runs.ts";
import { cline, geminiCli, openHands } from "./published-detectors.ts";
import { recordingOf, toolNamesOf } from "./recording.ts";
import { replayer } from "./replay.ts";
import { table } from "./table.ts";
import { turnsOf } from "./turns.ts";

const step = (tool: string, value: number, result: string, failed = false) => ({
  text: "",
  message: 0,
  calls: [{ id: `${value}`, tool, arguments: { value }, result, failed, message: 0 }],
});
const times = (count: number, ...turns: ReturnType<typeof step>[]) =>
  Array.from({ length: count }, () => turns).flat();

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

function recordedTalk(id: string, success: boolean, looked: boolean): CorpusRun {
  return {
    id,
    dataset: "shop",
    task: "refund",
    agent: "small",
    label: { success },
    exit: null,
    usage: null,
    meta: {},
    messages: [
      { role: "user", content: "Refund order A-1001 please." },
      ...(looked
        ? [
            {
              role: "assistant" as const,
              content: "",
              tool_calls: [{ id: "c1", name: "refund", args: { id: "A-1001" } }],
            },
            {
              role: "tool" as const,
              content: "refunded",
              tool_call_id: "c1",
              name: "refund",
              error: false,
            },
          ]
        : []),
      {
        role: "assistant",
        content: looked
          ? "Order A-1001 was refunded."
          : "Could you please provide the order number?",
      },
    ],
  };
}

describe("a corpus on disk", () => {
  let directory = "";
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "signals-"));
    const runs = Array.from({ length: 16 }, (_, index) =>
      recordedTalk(`r${index}`, index >= 4, index >= 4),
    );
    const lines = runs.map((run) => JSON.stringify(run)).join("\n");
    await writeFile(join(directory, "shop.jsonl.gz"), gzipSync(`${lines}\n`));
    await writeFile(join(directory, "readme.md"), "not data");
  });
  afterAll(() => rm(directory, { recursive: true }));

  test("is read run by run, and only its data files", async () => {
    const [file, ...others] = await corpusFiles(directory);
    expect(others).toEqual([]);
    const runs = await collect(readRuns(file ?? ""));
    expect(runs).toHaveLength(16);
  });

  test("is played and judged alone, and against the clean runs of the same task", async () => {
    const [set, ...others] = await playCorpus(directory);
    if (set === undefined) throw new Error("nothing was played");
    expect(others).toEqual([]);
    const { runs } = set;
    const failed = runs.map((run) => run.failed);
    expect(runs.map(({ alone }) => alone.flagged)).toEqual(failed);
    const compared = await playAmongSiblings(set);
    expect(runs.map(({ id }) => compared.get(id)?.flagged)).toEqual(failed);
    // What the middleware found among the siblings it chose is what their records give.
    const expected = judgeCompared(runs).map((judgement) => judgement?.score);
    expect(runs.map(({ id }) => compared.get(id)?.score)).toEqual(expected);
  });

  test("a line that is no run is refused by file name", async () => {
    const file = join(directory, "broken.jsonl.gz");
    await writeFile(file, gzipSync('{"id": 1}\n'));
    await expect(collect(readRuns(file))).rejects.toThrow(/broken\.jsonl\.gz/);
    await rm(file);
  });
});

test("a recorded run becomes a recording, never with its label", () => {
  const run = recordedTalk("r", false, true);
  expect(turnsOf(run)).toMatchObject([
    { calls: [{ tool: "refund", result: "refunded", failed: false }] },
    { text: "Order A-1001 was refunded.", calls: [] },
  ]);
  const recording = recordingOf(run);
  expect(recording.steps.map(({ before }) => before)).toEqual([
    ["Refund order A-1001 please."],
    [],
  ]);
  expect(JSON.stringify(recording)).not.toContain("success");
});

describe("figures", () => {
  const scored = (score: number, failed: boolean, task = "t") => ({ score, failed, task });

  test.each([
    ["all failed runs on top", [scored(2, true), scored(1, false)], 1],
    ["the other way round", [scored(1, true), scored(2, false)], 0],
    ["all equal", [scored(1, true), scored(1, false), scored(1, false)], 0.5],
    [
      "three of four pairs",
      [scored(3, true), scored(2, false), scored(1.5, true), scored(1, false)],
      0.75,
    ],
  ])("AUC with %s", (_, runs, expected) => {
    expect(pooledAuc(runs)).toBe(expected);
  });

  test("difficulty shows in the pooled figure and not within tasks", () => {
    const runs = [
      ...[1, 2].map((score) => scored(10 + score, true, "hard")),
      scored(12.5, false, "hard"),
      scored(2, true, "easy"),
      ...[1, 2, 3].map((score) => scored(score, false, "easy")),
    ];
    expect(pooledAuc(runs)).toBeGreaterThan(0.6);
    expect(withinTaskAuc(runs)).toBeLessThan(0.4);
  });

  test("precision, recall, false positives and lift", () => {
    const runs = [true, true, false, false].map((failed, index) => ({
      failed,
      fired: index !== 1 && index !== 3,
    }));
    expect(ruleFigures(runs)).toEqual({
      fired: 2,
      precision: 0.5,
      recall: 0.5,
      falsePositiveRate: 0.5,
      lift: 1,
    });
  });

  test("only neighbouring pairs that people judged count", () => {
    const figures = pairFigures([
      {
        predicted: [
          [0, 1],
          [1, 3],
          [8, 9],
          [3, 4],
        ],
        labelled: [
          [0, 1],
          [1, 2],
        ],
        judged: 5,
      },
    ]);
    expect(figures).toMatchObject({ right: 1, wrong: 1, missed: 1 });
  });

  test("a table lines up, and what cannot be computed is a dash", () => {
    expect(
      table(
        ["rule", "AUC"],
        [
          ["loop", Number.NaN],
          ["no-tool-call", 0.5],
        ],
      ),
    ).toBe("rule            AUC\nloop              –\nno-tool-call  0.500");
  });
});

test("the fit finds the sign that matters and gives no weight to a reversed one", () => {
  const rows = Array.from({ length: 400 }, (_, index) => ({
    strengths: { good: index % 4 === 0 ? 1 : 0, reversed: index % 2, noise: (index >> 3) % 2 },
    outcome: (index % 4 === 0 ? index % 20 !== 0 : index % 10 === 6) ? (1 as const) : (0 as const),
    dataset: "shop",
  }));
  const { weights, bases } = fitWeights(rows);
  expect(weights["good"]).toBeGreaterThan(1.5);
  expect(weights["reversed"]).toBe(0);
  expect(weights["noise"]).toBeLessThan(0.5);
  expect(bases["shop"]).toBeLessThan(0);
});

describe("published detectors", () => {
  test("OpenHands: four equal steps, three equal failures of four, or an alternation of six", () => {
    expect(openHands.detects(times(3, step("a", 1, "x")))).toBe(false);
    expect(openHands.detects(times(4, step("a", 1, "x")))).toBe(true);
    expect(openHands.detects([step("b", 0, "y"), ...times(3, step("a", 1, "x", true))])).toBe(true);
    expect(openHands.detects(times(3, step("a", 1, "x"), step("b", 2, "y")))).toBe(true);
    expect(
      openHands.detects(times(3, step("a", 1, "x"), step("b", 2, "y"), step("c", 3, "z"))),
    ).toBe(false);
    expect(
      openHands.detects(
        Array.from({ length: 3 }, () => ({ text: "hello", message: 0, calls: [] })),
      ),
    ).toBe(true);
  });

  test("Gemini CLI: five equal calls whatever they returned, or a chanting reply", () => {
    const turns = [1, 2, 3, 4, 5].map((result) => step("a", 1, `${result}`));
    expect(geminiCli.detects(turns.slice(1))).toBe(false);
    expect(geminiCli.detects(turns)).toBe(true);
    const chant = "I will now look at the file again to see what is in it. ".repeat(12);
    expect(geminiCli.detects([{ text: chant, message: 0, calls: [] }])).toBe(true);
    expect(geminiCli.detects([{ text: `\`\`\`\n${chant}\n\`\`\``, message: 0, calls: [] }])).toBe(
      false,
    );
  });

  test("Cline: three equal calls, keys in any order", () => {
    expect(cline.detects(times(2, step("a", 1, "x")))).toBe(false);
    expect(cline.detects([step("a", 1, "x"), step("a", 1, "y"), step("a", 1, "z")])).toBe(true);
    expect(cline.pairs(times(3, step("a", 1, "x")))).toEqual([
      [0, 1],
      [1, 2],
    ]);
  });
});

describe("a run that is played again", () => {
  type Said = Partial<CorpusRun["messages"][number]>;
  const user = (content: string): Said => ({ role: "user", content });
  let calls = 0;
  const called = (name: string, args: Record<string, unknown>, ...results: Partial<Said>[]) => {
    const ids = results.map(() => `c${(calls += 1)}`);
    return [
      { role: "assistant", content: "", tool_calls: ids.map((id) => ({ id, name, args })) },
      ...results.flatMap((result, index) =>
        result.content === undefined
          ? []
          : [{ role: "tool", tool_call_id: ids[index], name, ...result }],
      ),
    ] as Said[];
  };
  const play = async (messages: readonly Said[], fields: Partial<CorpusRun> = {}) => {
    const recording = recordingOf({
      ...recordedTalk("r", true, true),
      ...fields,
      messages: messages as CorpusRun["messages"],
    });
    const store = memoryStore();
    const flags = runFlagsMiddleware({ store, baseline: false });
    const toolNames = toolNamesOf([recording]);
    const played = await replayer({ flags, store, toolNames })(recording);
    return { ...played, report: played.kept.report, toolNames };
  };
  const again = (count: number) =>
    Array.from({ length: count }, () => called("look", { at: 1 }, { content: "nothing" })).flat();

  test("says the rung that would have been reached, the heaviest pattern and the repeated pairs", async () => {
    const { loops } = await play([
      user("Look."),
      ...again(5),
      { role: "assistant", content: "No." },
    ]);
    expect(loops).toMatchObject({
      action: "block",
      noticed: true,
      worst: { kind: "same-call-same-result", rounds: 5, step: 4 },
      pairs: [
        [0, 1],
        [1, 2],
        [2, 3],
        [3, 4],
      ],
    });
  });

  test("shows its last call too where it was cut off after it", async () => {
    const { loops, report } = await play([user("Look."), ...again(3)]);
    expect(loops).toMatchObject({ action: "steer", worst: { rounds: 3, step: 2 } });
    expect(report).toMatchObject({ outcome: "completed", toolCalls: 3, modelCalls: 3 });
  });

  test("fails where it failed", async () => {
    const { report } = await play([user("Look."), ...again(1)], { exit: "error: too long" });
    expect(report.outcome).toBe("failed");
  });

  test("keeps calls nobody answered, people who interrupt, and tools that do not exist", async () => {
    const { report, toolNames } = await play([
      user("Look."),
      ...called("luk", {}, { content: "Unknown tool luk", error: true }),
      user("Well?"),
      ...called("look", { at: 1 }, { content: "a" }, { content: "b", error: true }),
      ...called("look", { at: 2 }, { content: "c" }, {}),
    ]);
    expect(toolNames).toEqual(["look"]);
    expect(
      report.calls.map(({ tool, known, answered, ok }) => [tool, known, answered, ok]),
    ).toEqual([
      ["luk", false, true, false],
      ["look", true, true, true],
      ["look", true, true, false],
      ["look", true, true, true],
      ["look", true, false, false],
    ]);
  });

  test("hands on the tokens that were counted, in equal shares where only their sum was", async () => {
    const { report } = await play([user("Look."), ...again(2)], {
      usage: { totalTokens: 112, inputTokens: 101, outputTokens: 11 },
    });
    expect(report.tokens).toEqual({ input: 101, output: 11 });
  });
});
