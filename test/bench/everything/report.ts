import Table from "cli-table3";

import type { BenchEnvironment } from "../overhead/environment.ts";
import type { EverythingRow } from "./compare.ts";
import type { StepCost } from "./step-cost.ts";

/** Everything the bench found out. */
export interface EverythingReport {
  readonly environment: BenchEnvironment;
  readonly rows: readonly EverythingRow[];
  readonly steps: readonly StepCost[];
  /** Milliseconds a superstep gets dearer by, from the first place that is looked at to the last. */
  readonly driftMs: number;
}

/** How much of the bare graph's wall time a run may take with everything on, by the upper end of the interval. */
export const WALL_RATIO = 1.1;

/** Whether every run took as many supersteps and checkpoints as the bare graph's. */
export function sameSteps(rows: readonly EverythingRow[]): boolean {
  return rows.every(
    ({ counts, bare }) =>
      counts.supersteps === bare.supersteps && counts.checkpoints === bare.checkpoints,
  );
}

/** Whether a row is within the aim; undefined for the bare graph, which has none. */
export function verdict({ variant, times }: EverythingRow): boolean | undefined {
  return variant.startsWith("bare") ? undefined : times.interval.high <= WALL_RATIO;
}

/** The report for people. */
export function renderReport({ environment, rows, steps, driftMs }: EverythingReport): string {
  const packages = Object.entries(environment.packages).map((entry) => entry.join(" "));
  return [
    `Node ${environment.node}, ${environment.processor}, ${environment.database}, Evenkeel ${environment.evenkeel}`,
    packages.join(", "),
    "",
    "Every package on (recommendedStack, all stores on the same Postgres) against the bare graph, both at",
    'durability "sync": ChatOpenAI over HTTP to a local endpoint that answers after the time in the table.',
    "Calls that read are declared pure; calls that act go through the ledger, each one.",
    "",
    tableOf(
      ["graph", "variant", "supersteps", "checkpoints", "statements", "rows", "bytes"],
      rows
        .filter(({ thinkMs }) => thinkMs === rows[0]?.thinkMs)
        .map(({ graph, variant, counts, bare }) => [
          graph,
          variant,
          besides(counts.supersteps, bare.supersteps),
          besides(counts.checkpoints, bare.checkpoints),
          besides(counts.statements, bare.statements),
          besides(counts.rows, bare.rows),
          besides(counts.bytes, bare.bytes),
        ]),
    ),
    tableOf(
      [
        "graph",
        "variant",
        "model",
        "rounds",
        "bare ms",
        "ms",
        "ratio",
        `<= ${WALL_RATIO}`,
        "ms a call",
      ],
      rows.map((row) => [
        row.graph,
        row.variant,
        `${row.thinkMs} ms`,
        row.times.rounds,
        row.times.referenceMs.toFixed(1),
        row.times.variantMs.toFixed(1),
        `${row.times.ratio.toFixed(3)} [${row.times.interval.low.toFixed(3)}, ${row.times.interval.high.toFixed(3)}]`,
        { true: "held", false: "NOT HELD", undefined: "-" }[String(verdict(row))] ?? "-",
        (row.times.differenceMs / (2 * row.calls + 1)).toFixed(3),
      ]),
    ),
    "What a superstep takes at a place of one long run (StateGraph; node, writes and checkpoint, the call taken off)",
    tableOf(
      ["step", "bare ms", "all on ms", "added ms"],
      steps.map(({ step, ...ms }) => [
        step,
        ms.bareMs.toFixed(2),
        ms.allOnMs.toFixed(2),
        ms.addedMs.toFixed(2),
      ]),
    ),
    `What is added grows by ${driftMs.toFixed(3)} ms from first to last.`,
    `${sameSteps(rows) ? "held    " : "NOT HELD"}  supersteps and checkpoints equal the bare graph's`,
  ].join("\n");
}

function besides(count: number, bare: number): string {
  return count === bare ? String(count) : `${count} (+${count - bare})`;
}

function tableOf(head: string[], rows: (string | number)[][]): string {
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  table.push(...rows);
  return table.toString();
}
