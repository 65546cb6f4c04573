import type { ConstructionTime } from "./construction.ts";
import type { StepGuard } from "./guard-by-step.ts";
import type { BenchRow } from "./measure-rows.ts";

/** Everything one run of the bench found out. */
export interface BenchResult {
  readonly rows: readonly BenchRow[];
  readonly steps: readonly StepGuard[];
  readonly construction: readonly ConstructionTime[];
}

/** One thing the middleware is meant to keep, and whether it did. */
export interface Aim {
  readonly aim: string;
  readonly held: boolean;
  readonly figure: string;
  /** Exact counts decide the exit code; times are a matter of the machine. */
  readonly exact: boolean;
}

/** How much of the bare graph's wall time a run may take. */
export const WALL_RATIO = 1.05;
const GUARD_MS = 0.3;
const CONSTRUCTION_MS = 5;
// A sixth of what a call may cost at all.
const STEP_DRIFT_MS = 0.05;

/** Judges a result, one line an aim; an aim nothing was measured for is left out. */
export function judge({ rows, steps, construction }: BenchResult): Aim[] {
  const ours = rows.filter((row) => row.case.kind === "evenkeel");
  const guards = ours.flatMap(({ guard, ...row }) => (guard === undefined ? [] : [{ row, guard }]));
  const worst = (figures: readonly [number, string][]): [number, string] =>
    figures.reduce((one, other) => (other[0] > one[0] ? other : one), [-Infinity, "nothing"]);
  const [model, modelRow] = worst(guards.map(({ row, guard }) => [guard.modelMs, nameOf(row)]));
  const [tool, toolRow] = worst(guards.map(({ row, guard }) => [guard.toolMs, nameOf(row)]));
  const [construct, constructed] = worst(construction.map(({ title, ms }) => [ms, title]));
  const aims: (Aim | undefined)[] = [
    ...(ours.length === 0 ? [] : [equalCounts(ours)]),
    repeatable(rows),
    manifestOnce(ours.filter((row) => row.case.freezes)),
    ...[...new Set(ours.map(({ thinkMs }) => thinkMs))].map((thinkMs) =>
      wall(
        thinkMs,
        ours.filter((row) => row.thinkMs === thinkMs),
      ),
    ),
    timed(
      `guard p50 < ${GUARD_MS} ms a model call`,
      model < GUARD_MS,
      `worst ${model.toFixed(3)} ms (${modelRow})`,
    ),
    timed(
      `guard p50 < ${GUARD_MS} ms a tool call`,
      tool < GUARD_MS,
      `worst ${tool.toFixed(3)} ms (${toolRow})`,
    ),
    flat(steps),
    timed(
      `withMiddleware <= ${CONSTRUCTION_MS} ms`,
      construct <= CONSTRUCTION_MS,
      `${construct.toFixed(2)} ms (${constructed})`,
    ),
  ];
  return aims.filter((aim) => aim !== undefined);
}

/** Whether a row's wall time is within its aim, by the upper end of the interval. */
export function holdsWall({ times }: Pick<BenchRow, "times">): boolean {
  return times.interval.high <= WALL_RATIO;
}

function wall(thinkMs: number, rows: readonly BenchRow[]): Aim {
  const off = rows.filter((row) => !holdsWall(row));
  const figures = off.map((row) => `${row.times.interval.high.toFixed(3)} ${nameOf(row)}`);
  return {
    aim: `wall <= ${WALL_RATIO} x bare, by the upper end of the interval, where the model ${thinks(thinkMs)}`,
    held: off.length === 0,
    figure: off.length === 0 ? `all ${rows.length} rows` : `over: ${figures.join("; ")}`,
    exact: false,
  };
}

/** How long the model of a row takes, in words. */
export function thinks(thinkMs: number): string {
  return thinkMs === 0 ? "answers at once" : `thinks ${thinkMs} ms`;
}

function timed(aim: string, held: boolean, figure: string): Aim | undefined {
  return figure.includes("Infinity") ? undefined : { aim, held, figure, exact: false };
}

function equalCounts(ours: readonly BenchRow[]): Aim {
  const off = ours.filter(
    ({ counts, reference }) =>
      counts.supersteps !== reference.supersteps || counts.checkpoints !== reference.checkpoints,
  );
  return {
    aim: "supersteps and checkpoints equal the bare graph's",
    held: off.length === 0,
    figure: off.length === 0 ? `all ${ours.length} rows` : `off: ${off.map(nameOf).join("; ")}`,
    exact: true,
  };
}

function repeatable(rows: readonly BenchRow[]): Aim {
  const off = rows.filter(({ counts, reference }) => !counts.repeatable || !reference.repeatable);
  return {
    aim: "a second run leaves exactly the same rows and bytes",
    held: off.length === 0,
    figure: off.length === 0 ? `all ${rows.length} rows` : `off: ${off.map(nameOf).join("; ")}`,
    exact: false,
  };
}

/** Whether blobs and pending writes grow by as much in a long run as in a short one. */
function manifestOnce(frozen: readonly BenchRow[]): Aim | undefined {
  const families = [...new Set(frozen.map((row) => row.case.family))];
  const figures = families.flatMap((family) => {
    const ofFamily = frozen.filter((row) => row.case.family === family);
    // How long the model thinks changes nothing that is written.
    const rows = [...new Map(ofFamily.map((row) => [row.calls, row])).values()];
    if (rows.length < 2) return [];
    const contents = rows.map((row) => contentGrowth(row));
    const rest = rows.map((row) => perCheckpoint(row));
    return {
      same: new Set(contents).size === 1,
      text: `${family} +${contents.join(" / +")} bytes, and ${rest.join(" / ")} in each checkpoint's row`,
    };
  });
  if (figures.length === 0) return undefined;
  return {
    aim: "with config-freeze bytes grow by the manifest once",
    held: figures.every(({ same }) => same),
    figure: figures.map(({ text }) => text).join("; "),
    exact: false,
  };
}

function contentGrowth({ counts, reference }: BenchRow): number {
  return growthOf(counts.bytes, reference.bytes) - checkpointTable({ counts, reference });
}

function perCheckpoint({ counts, reference }: BenchRow): string {
  return (checkpointTable({ counts, reference }) / counts.checkpoints).toFixed(1);
}

function checkpointTable({ counts, reference }: Pick<BenchRow, "counts" | "reference">): number {
  const bytes = (tables: BenchRow["counts"]["tables"]): number =>
    [...tables].find(([name]) => name.endsWith(".checkpoints"))?.[1].bytes ?? 0;
  return growthOf(bytes(counts.tables), bytes(reference.tables));
}

function growthOf(bytes: number, before: number): number {
  return bytes - before;
}

function flat(steps: readonly StepGuard[]): Aim | undefined {
  const [early, ...later] = steps;
  const last = later.at(-1);
  if (early === undefined || last === undefined) return undefined;
  const drift = Math.max(last.modelMs - early.modelMs, last.toolMs - early.toolMs);
  return {
    aim: `guard per step flat from ${early.step} to ${last.step} (within ${STEP_DRIFT_MS} ms)`,
    held: drift <= STEP_DRIFT_MS,
    figure: steps
      .map(({ step, modelMs, toolMs }) => `${step}: ${modelMs.toFixed(3)} / ${toolMs.toFixed(3)}`)
      .join(", ")
      .concat(" ms (model / tool)"),
    exact: false,
  };
}

function nameOf(row: Pick<BenchRow, "case" | "calls" | "thinkMs">): string {
  const model = row.thinkMs === 0 ? "" : `, the model ${thinks(row.thinkMs)}`;
  return `${row.case.title}, ${row.calls} calls${model}`;
}
