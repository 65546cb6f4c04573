import { compareTexts } from "./compare-texts.ts";
import { groupBy } from "./group-by.ts";
import { runDurationMs } from "./run.ts";

/** What a trace is drawn from; runs of the endpoint and of the LangSmith client both are this. */
export interface TraceRun {
  readonly id: string;
  readonly name: string;
  readonly run_type: string;
  readonly parent_run_id?: string | null | undefined;
  readonly dotted_order?: string | undefined;
  readonly start_time?: string | number | undefined;
  readonly end_time?: string | number | undefined;
  readonly status?: string | undefined;
  readonly error?: string | null | undefined;
}

/** A run with the runs below it. */
export interface TraceNode<Run extends TraceRun = TraceRun> {
  readonly run: Run;
  readonly children: readonly TraceNode<Run>[];
}

/** Arranges runs as trees; a run whose parent is not among them is a root. */
export function buildTraceTrees<Run extends TraceRun>(runs: readonly Run[]): TraceNode<Run>[] {
  const ids = new Set(runs.map((run) => run.id));
  const sorted = runs.toSorted((a, b) => compareTexts(orderOf(a), orderOf(b)));
  const childrenOf = groupBy(sorted, ({ id, parent_run_id: parent }) => {
    const known = parent !== undefined && parent !== null && parent !== id && ids.has(parent);
    return known ? parent : undefined;
  });
  const grow = (run: Run): TraceNode<Run> => ({
    run,
    children: (childrenOf.get(run.id) ?? []).map(grow),
  });
  return (childrenOf.get(undefined) ?? []).map(grow);
}

export interface RenderTraceOptions<Run extends TraceRun = TraceRun> {
  /** How long a run took, in milliseconds; `undefined` prints nothing. @default from its times */
  durationMs?: (run: Run) => number | undefined;
}

/** Draws traces as an indented tree: name, run type, duration and status of every run. */
export function renderTrace<Run extends TraceRun>(
  runs: readonly Run[],
  options: RenderTraceOptions<Run> = {},
): string {
  const { durationMs = runDurationMs } = options;
  const rows: { tree: string; run: Run }[] = [];
  const visit = (node: TraceNode<Run>, own: string, below: string): void => {
    rows.push({ tree: own + printable(node.run.name), run: node.run });
    node.children.forEach((child, index) => {
      const last = index === node.children.length - 1;
      visit(child, `${below}${last ? "└─ " : "├─ "}`, `${below}${last ? "   " : "│  "}`);
    });
  };
  for (const root of buildTraceTrees(runs)) visit(root, "", "");

  const cells = rows.map(({ tree, run }) => {
    const duration = durationMs(run);
    const time = duration === undefined ? "" : formatDuration(duration);
    return { tree, type: printable(run.run_type), time, status: statusOf(run) };
  });
  const width = (column: "tree" | "type" | "time") =>
    cells.reduce((widest, cell) => Math.max(widest, cell[column].length), 0);
  const [treeWidth, typeWidth, timeWidth] = [width("tree"), width("type"), width("time")];
  return cells
    .map(({ tree, type, time, status }) =>
      [
        tree.padEnd(treeWidth),
        type.padEnd(typeWidth),
        ...(timeWidth === 0 ? [] : [time.padStart(timeWidth)]),
        status,
      ]
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function statusOf(run: TraceRun): string {
  const failed = run.error !== undefined && run.error !== null;
  const status = run.status ?? (failed ? "error" : "");
  const [line = ""] = (run.error ?? "").split("\n");
  return failed ? `${status}: ${printable(line).slice(0, 80)}` : status;
}

function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  return `${(durationMs / 1000).toFixed(2)} s`;
}

/** Names are whatever a trace holds: control characters would run in the reader's terminal. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "�");
}

function orderOf(run: TraceRun): string {
  const { dotted_order: order, start_time: start } = run;
  return order ?? (start === undefined ? "" : new Date(start).toISOString());
}
