import Table from "cli-table3";

import type { BenchEnvironment } from "../overhead/environment.ts";
import type { FormReport } from "./play-form.ts";

/** Everything the bench found out. */
export interface LoadReport {
  readonly environment: BenchEnvironment;
  readonly toolCalls: number;
  readonly thinkMs: number;
  readonly forms: readonly FormReport[];
}

/** Runs that failed, in words. */
export function failuresIn({ forms }: LoadReport): string[] {
  return forms.flatMap(({ title, bare, allOn }) => [
    ...bare.failures.map((failure) => `${title}, bare: ${failure}`),
    ...allOn.failures.map((failure) => `${title}, all on: ${failure}`),
  ]);
}

/** The report for people. */
export function renderReport({ environment, toolCalls, thinkMs, forms }: LoadReport): string {
  const table = new Table({
    head: [
      "form",
      "side",
      "runs",
      "errors",
      "runs/s",
      "ratio",
      "median ms",
      "p95 ms",
      "heap MB",
      "bytes/run",
    ],
    style: { head: [], border: [], compact: true },
  });
  for (const form of forms) {
    for (const [side, totals] of [
      ["bare", form.bare],
      ["all on", form.allOn],
    ] as const) {
      const heaps = form.heap.filter((sample) => sample.side === side);
      table.push([
        form.title,
        side,
        totals.finished,
        totals.failures.length,
        totals.runsPerSecond.toFixed(1),
        side === "bare" ? "" : form.throughputRatio.toFixed(3),
        totals.medianRunMs.toFixed(0),
        totals.slowestTwentiethMs.toFixed(0),
        [heaps[0], heaps.at(-1)]
          .map((sample) => ((sample?.bytes ?? 0) / 1e6).toFixed(1))
          .join(" → "),
        side === "bare" ? "" : form.heapBytesPerRun.toFixed(0),
      ]);
    }
  }
  return [
    `Node ${environment.node}, ${environment.processor}, ${environment.database}, Evenkeel ${environment.evenkeel}`,
    `Runs of ${toolCalls} tool calls, each an effect in the ledger where everything is on; the model answers after ${thinkMs} ms.`,
    "Bare and all on take turns; the heap is read after each turn, after a garbage collection, with no run under way.",
    "",
    table.toString(),
  ].join("\n");
}
