import { parseArgs } from "node:util";

/** What the bench was asked for on its command line. */
export interface BenchOptions {
  /** Directory of recorded runs, measured beside generated results. */
  readonly corpus: string | undefined;
  /** Little of everything, to see that it runs; figures mean nothing. */
  readonly quick: boolean;
  readonly json: boolean;
}

/** What the command line takes. */
export const USAGE: string = `npm run bench:offload -- [--corpus DIR] [--quick] [--json]`;

/** Reads the command line; what it does not understand is an error that says what came. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      corpus: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  return { corpus: values.corpus, quick: values.quick, json: values.json };
}
