import type { Section } from "./section.ts";

/** What `bench:signals` prints for machines. */
export interface SignalsJson {
  readonly runs: number;
  readonly tables: readonly { readonly title: string; readonly text: string }[];
}

/** Loop detection and flags on recorded runs. */
export function signalsSection({ runs, tables }: SignalsJson): Section {
  return {
    title: "Signals on recorded runs",
    blocks: [
      `${runs} recorded runs, each played on a graph under loop detection and flags.`,
      ...tables.map(({ title, text }) =>
        [title, "", "```text", text, "```"].join("\n").trimStart(),
      ),
    ],
    plots: [],
  };
}
