import type { LoadReport } from "../../load/report.ts";
import { markdownTable } from "../markdown.ts";
import { barPlot, linePlot } from "../plots.ts";
import type { Section } from "./section.ts";

/** Many runs at once, in one process and in many. */
export function loadSection({ forms, toolCalls, thinkMs, environment }: LoadReport): Section {
  const sides = forms.flatMap((form) => [
    { form, side: "bare" as const, totals: form.bare },
    { form, side: "all on" as const, totals: form.allOn },
  ]);
  return {
    title: "Under load",
    blocks: [
      `Runs of ${toolCalls} tool calls on ${environment.database}, each call an effect in the ledger where everything is on; ` +
        `the model answers after ${thinkMs} ms. Bare and all on take turns, and the processors are never idle: the ratio is one of work.`,
      markdownTable(
        ["form", "side", "runs", "errors", "runs a second", "ratio", "median ms", "p95 ms"],
        sides.map(({ form, side, totals }) => [
          `${form.title}, ${form.seconds} s, pool of ${form.poolSize} each`,
          side,
          totals.finished,
          totals.failures.length,
          totals.runsPerSecond,
          side === "bare" ? "" : form.throughputRatio.toFixed(3),
          totals.medianRunMs,
          totals.slowestTwentiethMs,
        ]),
      ),
      "Heap of one process after a garbage collection with no run under way, the mean over its processes:",
      markdownTable(
        ["form", "first MB", "last MB", "bytes a run over the second half"],
        forms.map(({ title, heap, heapBytesPerRun }) => [
          title,
          (heap[0]?.bytes ?? Number.NaN) / 1e6,
          (heap.at(-1)?.bytes ?? Number.NaN) / 1e6,
          Math.round(heapBytesPerRun),
        ]),
      ),
    ],
    plots: [
      barPlot(
        "load-throughput",
        "Runs a second, bare and with every package on",
        "runs a second",
        forms.map(({ title }) => title),
        [
          { title: "bare", values: forms.map(({ bare }) => bare.runsPerSecond) },
          { title: "all on", values: forms.map(({ allOn }) => allOn.runsPerSecond) },
        ],
      ),
      linePlot(
        "load-heap",
        "Heap of one process by the runs it has done",
        { x: "runs of one process", y: "MB" },
        forms.map(({ title, heap }) => ({
          title,
          points: heap.map(({ runs, bytes }): [number, number] => [runs, bytes / 1e6]),
        })),
      ),
    ],
  };
}
