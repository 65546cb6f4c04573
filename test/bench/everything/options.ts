import { parseArgs } from "node:util";

/** What the bench was asked for on its command line. */
export interface EverythingOptions {
  readonly rounds: number;
  readonly calls: number;
  readonly thinkMs: readonly number[];
  /** Supersteps of a long run to look at; none leaves the long runs out. */
  readonly steps: readonly number[];
  readonly stepRuns: number;
  readonly json: boolean;
}

/** What the command line takes. */
export const USAGE: string =
  "npm run bench:everything -- [--rounds 30] [--calls 30] [--think 0,50] [--steps 10,100,500,1000] [--step-runs 4] [--json] [--quick]";

const WHOLE = {
  rounds: "30",
  calls: "30",
  think: "0,50",
  steps: "10,100,500,1000",
  "step-runs": "4",
};
const QUICK = { rounds: "3", calls: "5", think: "0,20", steps: "10,40", "step-runs": "2" };

/** Reads the command line; what it does not understand is an error that says what came. */
export function readOptions(args: readonly string[]): EverythingOptions {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: text,
      calls: text,
      think: text,
      steps: text,
      "step-runs": text,
      json: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
    },
  });
  const { json, quick, ...given } = values;
  const asked = { ...(quick ? QUICK : WHOLE), ...given };
  return {
    rounds: wholeNumber("--rounds", asked.rounds, 1),
    calls: wholeNumber("--calls", asked.calls, 1),
    thinkMs: numbers("--think", asked.think, 0),
    steps: numbers("--steps", asked.steps, 1),
    stepRuns: wholeNumber("--step-runs", asked["step-runs"], 1),
    json,
  };
}

function numbers(option: string, text: string, least: number): number[] {
  const parts = text.split(",").filter((part) => part !== "");
  return parts.map((part) => wholeNumber(option, part, least));
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (text !== "" && Number.isInteger(value) && value >= least) return value;
  throw new Error(`${option}: "${text}" came; a whole number of at least ${least} is needed.`);
}
