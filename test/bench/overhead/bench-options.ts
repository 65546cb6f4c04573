import { parseArgs } from "node:util";

/** What the bench was asked for on its command line. */
export interface BenchOptions {
  /** Most pairs of runs per row. */
  readonly pairs: number;
  /** Numbers of tool calls a run makes. */
  readonly calls: readonly number[];
  /** Rows by id; empty for all. */
  readonly rows: readonly string[];
  readonly json: boolean;
}

/** What the command line takes. */
export const USAGE: string = `npm run bench:overhead -- [--pairs 100] [--calls 5,30] [--rows id,id] [--json]`;

/** Reads the command line; what it does not understand is an error that says what came. */
export function readOptions(args: readonly string[], knownRows: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      pairs: { type: "string", default: "100" },
      calls: { type: "string", default: "5,30" },
      rows: { type: "string", default: "" },
      json: { type: "boolean", default: false },
    },
  });
  const rows = listOf(values.rows);
  const unknown = rows.find((row) => !knownRows.includes(row));
  if (unknown !== undefined) {
    throw new Error(`--rows: "${unknown}" came; there are ${knownRows.join(", ")}.`);
  }
  return {
    pairs: positive("--pairs", values.pairs),
    calls: listOf(values.calls).map((text) => positive("--calls", text)),
    rows,
    json: values.json,
  };
}

function listOf(text: string): string[] {
  return text.split(",").filter((part) => part !== "");
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`${option}: "${text}" came; a whole number above zero is needed.`);
}
