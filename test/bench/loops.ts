/* Measures what loop detection costs a call, early and late in a run: npm run bench:loops -- [--json] [--quick]. */
import { parseArgs } from "node:util";

import { exactCounts } from "./loops/exact-counts.ts";
import { longRecording } from "./loops/long-recording.ts";
import { type OwnTime, loopTime, seamTime, warmTime } from "./loops/own-time.ts";
import { median } from "./measure/statistics.ts";
import { table } from "./signals/table.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    // Short results only, once: to see that it runs.
    quick: { type: "boolean", default: false },
  },
});
const SIZES = values.quick ? [200] : [200, 2_000, 100_000];
const CALLS = 1_000;
const STEPS = [20, 100, 500, 980];
const NEIGHBOURS = 20;
const RUNS = values.quick ? 1 : 3;
const AIM = 50;

const rows: (string | number)[][] = [];
for (const size of SIZES) {
  console.error(`... results of ${size} characters`);
  const recording = longRecording(CALLS, size);
  await loopTime(recording);
  const runs: OwnTime[] = [];
  const idle: OwnTime[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    runs.push(await loopTime(recording));
    idle.push(await seamTime(recording));
  }
  const steps = STEPS.map((step) => aCall(runs, step - NEIGHBOURS, step + NEIGHBOURS));
  const warm = warmTime(recording);
  rows.push([
    `${size} characters`,
    ...steps.map(Math.round),
    (steps.at(-1) ?? Number.NaN) / (steps[1] ?? Number.NaN),
    Math.round(aCall(idle)),
    Math.round(warm),
    warm <= AIM ? "met" : "NOT MET",
  ]);
}
const head = [
  "results of",
  ...STEPS.map((step) => `step ${step}`),
  "late / early",
  "seam",
  "alone, warm",
  `≤ ${AIM} µs`,
];
const counts = (await exactCounts(longRecording(12, 200))).map(({ graph, bare, guarded }) => ({
  graph,
  "supersteps bare": bare.supersteps,
  "with it": guarded.supersteps,
  "checkpoints bare": bare.checkpoints,
  "checkpoints with it": guarded.checkpoints,
}));
if (values.json) {
  const named = rows.map((row) => Object.fromEntries(head.map((name, at) => [name, row[at]])));
  console.log(JSON.stringify({ rows: named, counts }, undefined, 2));
} else {
  console.log(
    `Microseconds a call, which is one reply of the model and one run of the tool it asked for.
In a graph: all that the middleware adds, with caches as cold as LangGraph leaves them between two
steps; of which the seam is what a middleware that does nothing adds. Alone: the detection itself.\n`,
  );
  console.log(table(head, rows));
  const [first = {}] = counts;
  console.log(
    `\n${table(
      Object.keys(first),
      counts.map((count) => Object.values(count)),
    )}`,
  );
}

function aCall(runs: readonly OwnTime[], from = 0, to = CALLS): number {
  return (
    median(runs.flatMap(({ model }) => model.slice(from, to))) +
    median(runs.flatMap(({ tool }) => tool.slice(from, to)))
  );
}
