/* Measures what loop detection costs a call, early and late in a run: npm run bench:loops. */
import { exactCounts } from "./loops/exact-counts.ts";
import { longRecording } from "./loops/long-recording.ts";
import { type OwnTime, ownTime } from "./loops/own-time.ts";
import { median } from "./measure/statistics.ts";
import { table } from "./signals/table.ts";

const SIZES = [200, 2_000, 100_000];
const CALLS = 1_000;
const STEPS = [10, 100, 500, 1_000];
const NEIGHBOURS = 10;
const RUNS = 3;
const AIM = 50;

const rows: (string | number)[][] = [];
for (const size of SIZES) {
  const recording = longRecording(CALLS, size);
  await ownTime(recording);
  const runs: OwnTime[] = [];
  for (let run = 0; run < RUNS; run += 1) runs.push(await ownTime(recording));
  // A call is one reply of the model and one run of the tool it asked for.
  const about = (step: number, kind: keyof OwnTime): number =>
    median(runs.flatMap((run) => run[kind].slice(step - NEIGHBOURS, step + NEIGHBOURS)));
  const steps = STEPS.map(
    (step) => about(step - NEIGHBOURS, "model") + about(step - NEIGHBOURS, "tool"),
  );
  const whole =
    median(runs.flatMap(({ model }) => model)) + median(runs.flatMap(({ tool }) => tool));
  const flat = (steps.at(-1) ?? Number.NaN) / (steps[1] ?? Number.NaN);
  rows.push([
    `${size} characters`,
    ...steps.map((time) => Math.round(time)),
    Math.round(whole),
    flat,
    whole <= AIM ? "met" : "NOT MET",
  ]);
}
console.log(
  table(
    [
      "results of",
      ...STEPS.map((step) => `µs at ${step}`),
      "median",
      "late / early",
      `≤ ${AIM} µs`,
    ],
    rows,
  ),
);

const counts = await exactCounts(longRecording(12, 200));
console.log(
  `\n${table(
    ["graph", "supersteps bare", "with it", "checkpoints bare", "with it"],
    counts.map(({ graph, bare, guarded }) => [
      graph,
      bare.supersteps,
      guarded.supersteps,
      bare.checkpoints,
      guarded.checkpoints,
    ]),
  )}`,
);
