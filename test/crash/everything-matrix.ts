/**
 * The crash matrix of all middleware at once: an execution under `recommendedStack`, killed at every
 * named point of the stack, on four kinds of graphs, with both durabilities and in every scene, and
 * carried to its end by another version of the code. What happened is read from the payment service,
 * the requests the model received, the records, the events and LangSmith.
 *
 * Usage: everything-matrix.ts [--resume <file>] [--only <text>] [--concurrency <count>] [--most <count>]
 */
import { parseArgs } from "node:util";

import { crashMatrix } from "@evenkeel/testing";
import type { MatrixCase } from "@evenkeel/testing";

import { carryOn, titleOf } from "./everything/carry-on.ts";
import type { EverythingCase } from "./everything/carry-on.ts";
import { everyFault } from "./everything/checks/every-fault.ts";
import { KINDS, SCENES } from "./everything/job.ts";
import { referencesOf } from "./everything/references.ts";
import { everythingStage } from "./everything/stage.ts";

const { values } = parseArgs({
  options: {
    resume: { type: "string" },
    only: { type: "string" },
    concurrency: { type: "string", default: "2" },
    most: { type: "string" },
  },
});
const concurrency = Number(values.concurrency);
const stage = await everythingStage();
const uncrashed = referencesOf(stage);

interface Counted {
  readonly crashed: boolean;
  readonly anew: boolean;
  readonly requests: number;
  readonly flagged: boolean;
}

/** Every point that an execution passes, each at one of the times it is passed. */
async function casesOf(one: EverythingCase, turn: number): Promise<EverythingCase[]> {
  const { reports } = await uncrashed(one);
  const passed = new Map<string, number>();
  for (const { points } of reports) {
    for (const [at, times] of Object.entries(points)) {
      passed.set(at, Math.max(times, passed.get(at) ?? 0));
    }
  }
  // Which time it is goes round, so that the matrix as a whole has them all.
  const points = [...passed].map(([at, times], index) => ({
    ...one,
    at,
    hit: ((turn + index) % times) + 1,
  }));
  const first = (turn * 5) % points.length;
  return [...points.slice(first), ...points.slice(0, first)];
}

const whole = SCENES.flatMap((scene) =>
  KINDS.flatMap((kind) =>
    (["sync", "async"] as const).map((durability) => ({ kind, scene, durability })),
  ),
).filter((one) => values.only === undefined || titleOf(one).includes(values.only));
const cases: EverythingCase[][] = [];
const reference = await crashMatrix(
  whole.map((one, turn) => ({
    name: titleOf(one),
    run: async () => void (cases[turn] = await casesOf(one, turn)),
  })),
  { concurrency },
);
for (const result of reference.results) {
  if (!result.passed) console.log(`FAIL ${result.name} ${String(result.error)}`);
}
console.log(`${whole.length} executions that nobody kills: ${reference.failed} failed.`);

// One point of each execution after the other, each from another one on: a part is a sample of the whole.
const longest = Math.max(...cases.map((points) => points?.length ?? 0));
const all = Array.from({ length: longest }, (_, index) =>
  cases.flatMap((points) => points?.[index] ?? []),
).flat();
const chosen = values.most === undefined ? all : all.slice(0, Number(values.most));

let done = 0;
const matrix = chosen.map((one): MatrixCase<Counted> => ({
  name: titleOf(one),
  run: async () => {
    const outcome = await carryOn(one, stage);
    const expected = await uncrashed(one, outcome.release);
    const faults = await everyFault(one, outcome, expected, stage);
    if (faults.length > 0) throw new Error(faults.join("; "));
    const { crashed, last, requests } = outcome;
    return {
      crashed,
      anew: last.anew,
      requests: requests.length,
      flagged: one.scene === "failed tool",
    };
  },
}));
const report = await crashMatrix(matrix, {
  concurrency,
  ...(values.resume === undefined ? {} : { resumeFile: values.resume }),
  onResult: (result) => {
    done += 1;
    const why = result.passed ? "" : ` ${String(result.error)}`;
    console.log(`${done}/${matrix.length} ${result.passed ? "ok  " : "FAIL"} ${result.name}${why}`);
  },
});

const passed = report.results.flatMap((result) => (result.passed ? [result.result] : []));
const crashes = passed.filter(({ crashed }) => crashed);
const count = (of: (one: Counted) => boolean): number => crashes.filter(of).length;
console.log(
  `${crashes.length} crashes survived, ${report.failed} not; ${count(({ anew }) => anew)} began anew, ` +
    `${count(({ flagged }) => flagged)} were flagged, ${crashes.reduce((sum, { requests }) => sum + requests, 0)} requests were compared. ` +
    `${passed.length - crashes.length} cases never came to their point.`,
);
console.log(
  `${report.passed} of ${matrix.length} cases passed in ${Math.round((report.durationMs + reference.durationMs) / 1_000)} s, ${report.resumed} of them before.`,
);
await stage.close();
process.exitCode = report.failed + reference.failed === 0 ? 0 : 1;
