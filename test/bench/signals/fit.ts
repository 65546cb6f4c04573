/** One row to learn from: how strongly each sign spoke, what came of it, and its group. */
export interface FitRow {
  strengths: Readonly<Record<string, number>>;
  /** 1 for a run that failed. */
  outcome: 0 | 1;
  /** Rows of different data sets get a base of their own, so base rates do not leak into the weights. */
  dataset: string;
}

/** Learned log-odds. */
export interface Fit {
  weights: Record<string, number>;
  bases: Record<string, number>;
}

const penalty = 1;
const rounds = 400;

/**
 * Fits a logistic model whose weights cannot be negative (penalised by half their square), by
 * coordinate-wise Newton steps. Small and slow enough to read; 2,000 rows take about a second.
 */
export function fitWeights(rows: readonly FitRow[]): Fit {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.strengths)))].toSorted();
  const datasets = [...new Set(rows.map((row) => row.dataset))].toSorted();
  const columns = [
    ...names.map((name) => rows.map((row) => row.strengths[name] ?? 0)),
    ...datasets.map((dataset) => rows.map((row) => (row.dataset === dataset ? 1 : 0))),
  ];
  const sparse = columns.map((column) =>
    column.flatMap((value, row) => (value === 0 ? [] : [[row, value] as const])),
  );
  const sums = new Float64Array(rows.length);
  const learned = new Float64Array(columns.length);
  for (let round = 0; round < rounds; round += 1) {
    let moved = 0;
    for (const [column, cells] of sparse.entries()) {
      moved = Math.max(moved, step(column, cells, column < names.length));
    }
    if (moved < 1e-6) break;
  }
  return {
    weights: Object.fromEntries(names.map((name, index) => [name, learned[index] ?? 0])),
    bases: Object.fromEntries(
      datasets.map((dataset, index) => [dataset, learned[names.length + index] ?? 0]),
    ),
  };

  function step(
    column: number,
    cells: readonly (readonly [number, number])[],
    isWeight: boolean,
  ): number {
    const before = learned[column] ?? 0;
    let gradient = isWeight ? penalty * before : 0;
    let curvature = isWeight ? penalty : 1e-3;
    for (const [row, value] of cells) {
      const chance = 1 / (1 + Math.exp(-(sums[row] ?? 0)));
      gradient += value * (chance - (rows[row]?.outcome ?? 0));
      curvature += value * value * chance * (1 - chance);
    }
    const wanted = before - gradient / curvature;
    const after = isWeight ? Math.max(0, wanted) : wanted;
    for (const [row, value] of cells) sums[row] = (sums[row] ?? 0) + value * (after - before);
    learned[column] = after;
    return Math.abs(after - before);
  }
}
