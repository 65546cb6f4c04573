import { describe, expect, test } from "vitest";

import { BENCHES } from "./benches.ts";
import { markdownTable, objectTable } from "./markdown.ts";
import { readOptions } from "./options.ts";
import { renderPage } from "./page.ts";
import type { TakenBench } from "./taken-bench.ts";

const machine = {
  processor: "Example 9000",
  cores: 2,
  memoryGiB: 8,
  system: "linux x64",
  node: "v20.19.0",
  packages: { langchain: "1.5.14" },
};
const environment = {
  node: "v20.19.0",
  processor: "2 x Example 9000",
  database: "PostgreSQL 18.4, embedded, fsync off",
  evenkeel: "built" as const,
  packages: {},
};
const counts = (statements: number) => ({
  supersteps: 61,
  checkpoints: 63,
  statements,
  rows: 400,
  bytes: 500_000,
  repeatable: true,
});
const times = (ratio: number, high: number) => ({
  rounds: 40,
  ratio,
  interval: { low: ratio - 0.01, high },
  referenceMs: 400,
  variantMs: 400 * ratio,
  differenceMs: 400 * (ratio - 1),
});

const everything = {
  environment,
  rows: [
    { variant: "bare (A/A)", counts: counts(600), times: times(1, 1.01) },
    { variant: "all on, calls that read", counts: counts(650), times: times(1.05, 1.08) },
    { variant: "all on, calls that act", counts: counts(710), times: times(1.12, 1.14) },
  ].map((row) => ({ graph: "StateGraph", thinkMs: 50, calls: 30, bare: counts(600), ...row })),
  steps: [
    { step: 10, bareMs: 4, allOnMs: 4.5, addedMs: 0.5 },
    { step: 1_000, bareMs: 14, allOnMs: 14.75, addedMs: 0.75 },
  ],
  driftMs: 0.25,
};

const side = (runsPerSecond: number, failures: string[]) => ({
  finished: 1_200,
  failures,
  runsPerSecond,
  medianRunMs: 900,
  slowestTwentiethMs: 1_100,
});
const load = {
  environment,
  toolCalls: 5,
  thinkMs: 50,
  forms: [
    {
      title: "100 threads in one process",
      processes: 1,
      lanes: 100,
      poolSize: 20,
      seconds: 120,
      bare: side(20, []),
      allOn: side(17, ["Error: a run that failed"]),
      throughputRatio: 0.85,
      ratios: [0.84, 0.86],
      heap: [
        { side: "bare", runs: 300, bytes: 70_000_000 },
        { side: "all on", runs: 600, bytes: 71_000_000 },
      ],
      heapBytesPerRun: 12,
    },
  ],
};

const retry = {
  schedule: [{ trouble: "throttled", side: "langchain", modelRequests: 4, ms: 12.345 }],
  cost: [{ graph: "StateGraph", variant: "everything on", "steps equal": true, ratio: 1.069 }],
};

function taken(bench: string, result: unknown, more: Partial<TakenBench> = {}): TakenBench {
  const command = `npm run bench:${bench}`;
  const takenAt = "2026-11-27T13:30:00.000Z";
  return { bench, command, takenAt, seconds: 42, exitCode: 0, machine, result, ...more };
}

/** Through JSON, as every result is on its way to the page. */
function pageOf(...results: TakenBench[]) {
  const read = JSON.parse(JSON.stringify(results)) as TakenBench[];
  return renderPage(BENCHES, new Map(read.map((result) => [result.bench, result])));
}

describe("the page", () => {
  test("shows counts, ratios and which of them are within the aim", () => {
    const { markdown } = pageOf(taken("everything", everything));
    expect(markdown).toContain(
      "2 × Example 9000, 8 GiB, linux x64, Node v20.19.0; langchain 1.5.14.",
    );
    expect(markdown).toContain("`npm run bench:everything`, 2026-11-27, 42 s");
    expect(markdown).toContain("Supersteps and checkpoints: equal in every run.");
    expect(markdown).toContain(
      "| StateGraph | all on, calls that read | 50 ms | 400 | 420 | 1.050 | 1.040–1.080 | held |",
    );
    expect(markdown).toContain("| 1.120 | 1.110–1.140 | **not held** |");
    expect(markdown).toContain("Within the aim: 1 of 2 rows.");
  });

  test("says where supersteps are not the bare graph's", () => {
    const [first, ...rest] = everything.rows;
    const rows = [{ ...first, counts: { ...counts(600), supersteps: 62 } }, ...rest];
    const { markdown } = pageOf(taken("everything", { ...everything, rows }));
    expect(markdown).toContain("Supersteps and checkpoints: NOT EQUAL.");
  });

  test("counts the errors of a load, and says that the bench failed", () => {
    const { markdown } = pageOf(taken("load", load, { exitCode: 1 }));
    expect(markdown).toContain("| all on | 1,200 | 1 | 17 | 0.850 | 900 | 1,100 |");
    expect(markdown).toContain("**The bench ended with 1");
  });

  test("shows every plot it links as a picture of its own", () => {
    const { markdown, plots } = pageOf(taken("everything", everything), taken("load", load));
    const linked = [...markdown.matchAll(/\(benchmarks\/([^)]+)\.svg\)/g)].map(([, name]) => name);
    expect(linked).toEqual(plots.map(({ name }) => name));
    expect(linked).toHaveLength(4);
    for (const { svg } of plots) {
      expect(svg).toMatch(/^<svg[^>]* xmlns="http:\/\/www.w3.org\/2000\/svg"[^]*<\/svg>\n$/);
      expect(svg).not.toMatch(/NaN|undefined/);
    }
    expect(plots[0]?.svg).toContain("all on, calls that act");
  });

  test("draws the same from the same", () => {
    const again = (): unknown => pageOf(taken("load", load)).plots.map(({ svg }) => svg);
    expect(again()).toEqual(again());
  });

  test("names what was not taken, and what it needs", () => {
    const { markdown } = pageOf(taken("retry", retry));
    expect(markdown).toContain("Not taken yet: `npm run bench -- --only overhead`.");
    expect(markdown).toContain("--only signals`. It needs recorded runs: `--corpus DIR`.");
    expect(markdown).toContain("| StateGraph | everything on | yes | 1.069 |");
  });

  test("names the machine again where a part was taken on another", () => {
    const elsewhere = { ...machine, cores: 64 };
    const { markdown } = pageOf(
      taken("retry", retry, { machine: elsewhere, takenAt: "2026-11-01T00:00:00.000Z" }),
      taken("load", load),
    );
    expect(markdown).toContain("64 × Example 9000");
    expect(markdown.match(/2 × Example 9000/g)).toHaveLength(1);
  });
});

describe("tables", () => {
  test("show what was no number, and keep their columns", () => {
    expect(markdownTable(["a|b", "c"], [["x\ny", null]])).toBe(
      "| a\\|b | c |\n| --- | --- |\n| x y | – |",
    );
    expect(objectTable([{ n: 1_234, small: 0.123_4, yes: true }])).toBe(
      "| n | small | yes |\n| ---: | ---: | --- |\n| 1,234 | 0.123 | yes |",
    );
  });
});

describe("the command line", () => {
  test("takes some, and renders what there is", () => {
    expect(readOptions(["--only", "load,retry"]).take.map(({ id }) => id)).toEqual([
      "load",
      "retry",
    ]);
    expect(readOptions(["--render"]).take).toEqual([]);
    expect(readOptions([]).take).toHaveLength(BENCHES.length);
  });

  test("keeps a try away from the figures for the record", () => {
    expect(readOptions([]).folder).toMatch(/docs$/);
    expect(readOptions(["--quick"]).folder).not.toMatch(/docs$/);
  });

  test("refuses a bench that is none", () => {
    expect(() => readOptions(["--only", "lod"])).toThrow(/"lod" came; there are everything, load/);
  });
});
