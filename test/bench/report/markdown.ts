/** What stands in a cell of a table. */
export type Cell = string | number | boolean | null | undefined;

/** A table in Markdown: text to the left, numbers to the right. */
export function markdownTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const isNumber = (column: number): boolean =>
    rows.length > 0 && rows.every((row) => typeof row[column] === "number");
  return [
    line(head),
    line(head.map((_, column) => (isNumber(column) ? "---:" : "---"))),
    ...rows.map((row) => line(row.map(cellText))),
  ].join("\n");
}

/** A table of objects that have the same keys; the keys are its head. */
export function objectTable(rows: readonly Readonly<Record<string, unknown>>[]): string {
  const keys = Object.keys(rows[0] ?? {});
  return markdownTable(
    keys,
    rows.map((row) => keys.map((key) => asCell(row[key]))),
  );
}

function asCell(value: unknown): Cell {
  if (typeof value === "number" || typeof value === "boolean") return value;
  return typeof value === "string" ? value : JSON.stringify(value);
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
}

function cellText(cell: Cell): string {
  // What was no number has become null on its way through JSON.
  if (cell === null || cell === undefined) return "–";
  if (typeof cell === "boolean") return cell ? "yes" : "no";
  if (typeof cell === "string") return cell;
  if (Number.isInteger(cell)) return cell.toLocaleString("en-US");
  const size = Math.abs(cell);
  return size >= 100 ? cell.toFixed(0) : cell.toFixed(size >= 10 ? 1 : 3);
}
