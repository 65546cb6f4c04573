import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { BENCHES, type Bench } from "./benches.ts";

/** What the page was asked for on its command line. */
export interface PageOptions {
  /** Benches to take now; the others keep what was taken before. */
  readonly take: readonly Bench[];
  readonly quick: boolean;
  /** Folder of recorded runs. */
  readonly corpus: string | undefined;
  /** Where `benchmarks.md` and the folder `benchmarks` go. */
  readonly folder: string;
}

/** What the command line takes. */
export const USAGE: string =
  "npm run bench -- [--only id,id] [--corpus DIR] [--quick] [--render] [--to DIR]";

/** Reads the command line; what it does not understand is an error that says what came. */
export function readOptions(args: readonly string[]): PageOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      corpus: { type: "string" },
      quick: { type: "boolean", default: false },
      render: { type: "boolean", default: false },
      to: { type: "string" },
    },
  });
  const { quick, render, only, corpus, to } = values;
  const ids = only?.split(",") ?? BENCHES.map(({ id }) => id);
  const unknown = ids.find((id) => !BENCHES.some((bench) => bench.id === id));
  if (unknown !== undefined) {
    const known = BENCHES.map(({ id }) => id).join(", ");
    throw new Error(`--only: "${unknown}" came; there are ${known}.`);
  }
  // Figures of a try must not stand where those for the record stand.
  const usual = quick ? join(tmpdir(), "evenkeel-bench") : "docs";
  return {
    take: render ? [] : BENCHES.filter(({ id }) => ids.includes(id)),
    quick,
    corpus: corpus === undefined ? undefined : resolve(corpus),
    folder: resolve(to ?? usual),
  };
}
