import Table from "cli-table3";

import type { TableSize } from "../measure/database-size.ts";
import type { Interval } from "../measure/statistics.ts";
import { type Aim, type BenchResult, WALL_RATIO, holdsWall, thinks } from "./aims.ts";
import type { BenchEnvironment } from "./environment.ts";
import type { BenchRow } from "./measure-rows.ts";

/** Everything the bench prints. */
export interface BenchReport extends BenchResult {
  readonly environment: BenchEnvironment;
  readonly aims: readonly Aim[];
  readonly notes: readonly string[];
}

/** The report for people. */
export function renderReport(report: BenchReport): string {
  const { environment, aims, notes } = report;
  const packages = Object.entries(environment.packages).map((entry) => entry.join(" "));
  return [
    `Node ${environment.node}, ${environment.processor}, ${environment.database}, Evenkeel ${environment.evenkeel}`,
    packages.join(", "),
    "",
    "What one run leaves in the database (exact; bytes are those of all values in all tables)",
    countsTable(report),
    "",
    "What one run takes: ChatOpenAI over HTTP to a local endpoint and a Postgres, each in a process of its own,",
    'in interleaved pairs at durability "sync" (medians, 95 % interval of the ratio; A/A is the bare graph against itself).',
    "Where the model answers at once, nothing but the harness is measured; a real one takes half a second and more a call.",
    timesTable(report),
    "Guard: time in the node around a model / tool call, less that of the wire or the tool, less the bare graph's.",
    "Extra: (wall - bare wall) / calls.",
    "",
    ...aims.map(({ aim, held, figure }) => `${held ? "held    " : "NOT HELD"}  ${aim}: ${figure}`),
    ...notes.map((note) => `note      ${note}`),
  ].join("\n");
}

/** The report as JSON: what is a map or a case in it has become plain. */
export interface OverheadJson extends Omit<BenchReport, "rows"> {
  readonly rows: readonly (Omit<BenchRow, "case" | "counts" | "reference"> & {
    readonly row: string;
    readonly title: string;
    readonly counts: PlainCounts;
    readonly reference: PlainCounts;
  })[];
}

type PlainCounts = Omit<BenchRow["counts"], "tables"> & {
  readonly tables: Readonly<Record<string, TableSize>>;
};

/** The report for machines. */
export function renderJson(report: BenchReport): string {
  const rows = report.rows.map(({ case: { id, title }, reference, counts, ...row }) => ({
    row: id,
    title,
    ...row,
    reference: { ...reference, tables: Object.fromEntries(reference.tables) },
    counts: { ...counts, tables: Object.fromEntries(counts.tables) },
  }));
  return JSON.stringify({ ...report, rows } satisfies OverheadJson, undefined, 2);
}

function countsTable({ rows }: BenchResult): string {
  return tableOf(
    [
      "row",
      "tool calls",
      "supersteps",
      "checkpoints",
      "statements",
      "more than bare",
      "rows",
      "bytes",
      "bytes more than bare",
    ],
    firstOfEach(rows).map(({ case: { title }, calls, counts, reference }) => [
      title,
      calls,
      counts.supersteps,
      counts.checkpoints,
      counts.statements,
      counts.statements - reference.statements,
      counts.rows,
      counts.bytes,
      counts.bytes - reference.bytes,
    ]),
  );
}

/** How long the model thinks changes nothing that is left. */
function firstOfEach(rows: readonly BenchRow[]): BenchRow[] {
  const known = new Map<string, BenchRow>();
  for (const row of rows) {
    const key = `${row.case.id}:${row.calls}`;
    if (!known.has(key)) known.set(key, row);
  }
  return [...known.values()];
}

function timesTable({ rows }: BenchResult): string {
  return tableOf(
    [
      "row",
      "tool calls",
      "model",
      "pairs",
      "bare ms",
      "ms",
      "ratio",
      "A/A",
      `<= ${WALL_RATIO}`,
      "guard ms/call",
      "extra ms/call",
    ],
    rows.map((row) => [
      row.case.title,
      row.calls,
      thinks(row.thinkMs),
      row.times.pairs,
      row.times.referenceMs.toFixed(1),
      row.times.variantMs.toFixed(1),
      ratioText(row.times),
      sameAgainstSame(rows, row),
      verdict(row),
      row.guard === undefined
        ? "-"
        : `${row.guard.modelMs.toFixed(3)} / ${row.guard.toolMs.toFixed(3)}`,
      (row.times.differenceMs / (2 * row.calls + 1)).toFixed(3),
    ]),
  );
}

/** Only what Evenkeel adds is judged. */
function verdict(row: BenchRow): string {
  return row.case.kind === "evenkeel" ? (holdsWall(row) ? "held" : "NOT HELD") : "-";
}

function ratioText({ ratio, interval }: { ratio: number; interval: Interval }): string {
  return `${ratio.toFixed(3)} [${interval.low.toFixed(3)}, ${interval.high.toFixed(3)}]`;
}

function sameAgainstSame(rows: readonly BenchRow[], row: BenchRow): string {
  const same = rows.find(
    (other) =>
      other.case.kind === "bare" &&
      other.case.family === row.case.family &&
      other.calls === row.calls &&
      other.thinkMs === row.thinkMs,
  );
  return same === undefined ? "-" : same.times.ratio.toFixed(3);
}

function tableOf(head: string[], rows: (string | number)[][]): string {
  const table = new Table({
    head,
    colAligns: head.map((_, index) => (index === 0 ? "left" : "right")),
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows);
  return table.toString();
}
