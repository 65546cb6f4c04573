import { parseArgs } from "node:util";

/** What the bench was asked for on its command line. */
export interface BenchOptions {
  /** Most pairs of runs per row. */
  readonly pairs: number;
  /** Numbers of tool calls a run makes. */
  readonly calls: readonly number[];
  /** How long the model thinks before it answers, in milliseconds. */
  readonly thinkMs: readonly number[];
  /** Rows by id; empty for all. */
  readonly rows: readonly string[];
  readonly json: boolean;
  /** A few short runs, to see that everything works; their figures say nothing. */
  readonly quick: boolean;
}

/** What the command line takes. */
export const USAGE: string = `npm run bench:overhead -- [--pairs 100] [--calls 5,30] [--think 0,50] [--rows id,id] [--json] [--quick]`;

const WHOLE = { pairs: "100", calls: "5,30", think: "0,50" };
const QUICK = { pairs: "2", calls: "2", think: "0,20" };

/** Reads the command line; what it does not understand is an error that says what came. */
export function readOptions(args: readonly string[], knownRows: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      pairs: { type: "string" },
      calls: { type: "string" },
      think: { type: "string" },
      quick: { type: "boolean", default: false },
      rows: { type: "string", default: "" },
      json: { type: "boolean", default: false },
    },
  });
  const rows = listOf(values.rows);
  const unknown = rows.find((row) => !knownRows.includes(row));
  if (unknown !== undefined) {
    throw new Error(`--rows: "${unknown}" came; there are ${knownRows.join(", ")}.`);
  }
  const { quick } = values;
  const { pairs, calls, think } = { ...(quick ? QUICK : WHOLE), ...values };
  return {
    pairs: wholeNumber("--pairs", pairs, 1),
    calls: listOf(calls).map((text) => wholeNumber("--calls", text, 1)),
    thinkMs: listOf(think).map((text) => wholeNumber("--think", text, 0)),
    rows,
    json: values.json,
    quick,
  };
}

function listOf(text: string): string[] {
  return text.split(",").filter((part) => part !== "");
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(`${option}: "${text}" came; a whole number of at least ${least} is needed.`);
}
