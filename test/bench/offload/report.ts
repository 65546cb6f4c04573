import Table from "cli-table3";

import type { BenchEnvironment } from "../overhead/environment.ts";
import type { CheckpointBytes } from "./checkpoint-bytes.ts";
import type { MeasuredCost } from "./costs.ts";
import type { KeptOut } from "./kept-out.ts";
import type { MeasuredMemory } from "./memory.ts";
import type { MeasuredRead } from "./reads.ts";

/** Everything the bench prints. */
export interface OffloadReport {
  readonly environment: BenchEnvironment;
  readonly keptOut: readonly (KeptOut & { readonly corpus: string })[];
  readonly checkpoints: readonly CheckpointBytes[];
  readonly reads: readonly MeasuredRead[];
  readonly costs: readonly MeasuredCost[];
  readonly memory: readonly MeasuredMemory[];
}

/** The report for people. */
export function renderReport({ environment, ...report }: OffloadReport): string {
  const packages = Object.entries(environment.packages).map((entry) => entry.join(" "));
  return [
    `Node ${environment.node}, ${environment.processor}, ${environment.database}, Evenkeel ${environment.evenkeel}`,
    packages.join(", "),
    "",
    "What stays out of the context, and comes back through read_tool_result (exact)",
    keptOutTable(report.keptOut),
    "",
    "What a run leaves in Postgres (exact): one tool call a round, of 0.3, 0.7, 1.5, 3 and 24 KB by turns",
    checkpointTable(report.checkpoints),
    "",
    "What reading one result takes from Postgres (bytes and statements exact)",
    readTable(report.reads),
    "",
    "What it costs: tool calls inside a node, interleaved pairs, median of the difference",
    costTable(report.costs),
    "",
    "Memory of a process that has one large result",
    memoryTable(report.memory),
  ].join("\n");
}

function keptOutTable(rows: OffloadReport["keptOut"]): string {
  return tableOf(
    ["results", "from", "offloaded", "MB", "MB kept out", "k tokens", "k kept out", "exact"],
    rows.map((row) => [
      `${row.results} ${row.corpus}`,
      `${row.thresholdKiB} KiB`,
      String(row.offloaded),
      mega(row.bytes),
      `${mega(row.bytesKeptOut)} (${share(row.bytesKeptOut, row.bytes)})`,
      kilo(row.tokens),
      `${kilo(row.tokensKeptOut)} (${share(row.tokensKeptOut, row.tokens)})`,
      `${row.exact} of ${row.offloaded}`,
    ]),
  );
}

function checkpointTable(rows: readonly CheckpointBytes[]): string {
  return tableOf(
    ["agent", "rounds", "checkpoints", "MB of checkpoints", "MB elsewhere"],
    rows.map((row) => [
      row.variant,
      String(row.rounds),
      String(row.checkpoints),
      mega(row.checkpointBytes),
      mega(row.elsewhereBytes),
    ]),
  );
}

function readTable(rows: readonly MeasuredRead[]): string {
  return tableOf(
    ["call", "bytes needed", "bytes read", "more", "statements", "ms"],
    rows.map(({ call, needed, read, statements, ms }) => [
      call,
      needed.toLocaleString("en"),
      read.toLocaleString("en"),
      read > 2 * needed ? (read - needed).toLocaleString("en") : share(read - needed, needed),
      String(statements),
      ms.toFixed(0),
    ]),
  );
}

function costTable(rows: readonly MeasuredCost[]): string {
  return tableOf(
    ["what", "cost", "clock", "pairs"],
    rows.map(({ what, clock, costMs, unit, pairs }) => [
      what,
      unit === "call" ? `${(costMs * 1_000).toFixed(1)} µs a call` : `${costMs.toFixed(1)} ms a MB`,
      clock,
      String(pairs),
    ]),
  );
}

function memoryTable(rows: readonly MeasuredMemory[]): string {
  return tableOf(
    ["process", "MB of result", "MB at first", "MB at most", "MB more", "bytes in state"],
    rows.map(({ what, megabytes, baseRss, peakRss, messageBytes }) => [
      what,
      String(megabytes),
      mega(baseRss),
      mega(peakRss),
      mega(peakRss - baseRss),
      messageBytes.toLocaleString("en"),
    ]),
  );
}

function tableOf(head: string[], rows: readonly string[][]): string {
  const table = new Table({ head, style: { head: [], border: [] } });
  table.push(...rows);
  return table.toString();
}

function mega(bytes: number): string {
  return (bytes / 1_000_000).toFixed(2);
}

function kilo(count: number): string {
  return (count / 1_000).toFixed(1);
}

function share(part: number, whole: number): string {
  return whole === 0 ? "-" : `${((100 * part) / whole).toFixed(1)} %`;
}
