import type { Bench } from "./benches.ts";
import type { Machine } from "./machine.ts";
import type { Plot } from "./plots.ts";
import type { TakenBench } from "./taken-bench.ts";

/** The page and the plots it shows. */
export interface Page {
  readonly markdown: string;
  readonly plots: readonly Plot[];
}

/** Lays out everything that was taken; a bench without a result is named, with the command that takes it. */
export function renderPage(
  benches: readonly Bench[],
  taken: ReadonlyMap<string, TakenBench>,
): Page {
  const newest = [...taken.values()].toSorted((one, other) =>
    other.takenAt.localeCompare(one.takenAt),
  )[0];
  const parts = benches.map((bench) => partOf(bench, taken.get(bench.id), newest?.machine));
  return {
    markdown: [
      "# Benchmarks",
      "Written by `npm run bench`; take them yourself, and look at ratios: times are those of one machine. " +
        "Each table compares within one run, interleaved. The raw results lie in [`benchmarks/`](benchmarks).",
      ...(newest === undefined ? [] : [machineText(newest.machine)]),
      ...parts.map(({ text }) => text),
    ]
      .join("\n\n")
      .concat("\n"),
    plots: parts.flatMap(({ plots }) => plots),
  };
}

function partOf(
  { id, section, corpus }: Bench,
  taken: TakenBench | undefined,
  usual: Machine | undefined,
): { text: string; plots: readonly Plot[] } {
  if (taken === undefined) {
    const more = corpus === "needed" ? " It needs recorded runs: `--corpus DIR`." : "";
    return {
      text: `## ${id}\n\nNot taken yet: \`npm run bench -- --only ${id}\`.${more}`,
      plots: [],
    };
  }
  const { title, blocks, plots } = section(taken.result as never);
  const { command, takenAt, seconds, exitCode, machine } = taken;
  const elsewhere = JSON.stringify(machine) === JSON.stringify(usual) ? [] : [machineText(machine)];
  const fault =
    exitCode === 0
      ? []
      : [`**The bench ended with ${exitCode}: an exact count is not the promised one.**`];
  return {
    text: [
      `## ${title}`,
      `\`${command}\`, ${takenAt.slice(0, 10)}, ${seconds} s`,
      ...elsewhere,
      ...fault,
      ...blocks,
      ...plots.map(({ name, alt }) => `![${alt}](benchmarks/${name}.svg)`),
    ].join("\n\n"),
    plots,
  };
}

function machineText({ processor, cores, memoryGiB, system, node, packages }: Machine): string {
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
  return `${cores} × ${processor}, ${memoryGiB} GiB, ${system}, Node ${node}; ${versions.join(", ")}.`;
}
