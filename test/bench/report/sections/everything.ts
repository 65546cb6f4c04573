import { type EverythingReport, WALL_RATIO, sameSteps, verdict } from "../../everything/report.ts";
import { markdownTable } from "../markdown.ts";
import { linePlot, ratioPlot } from "../plots.ts";
import type { Section } from "./section.ts";

/** Every package on, against the bare graph. */
export function everythingSection({
  rows,
  steps,
  driftMs,
  environment,
}: EverythingReport): Section {
  const [first] = rows;
  const judged = rows.filter((row) => verdict(row) !== undefined);
  return {
    title: "Every package on, against the bare graph",
    blocks: [
      `\`recommendedStack\` with all its stores on the Postgres that holds the checkpoints (${environment.database}), ` +
        `both at durability \`sync\`, ${first?.calls ?? 0} tool calls a run. ChatOpenAI over HTTP to a local endpoint that answers ` +
        "after the time in the table; a real model takes half a second and more. Calls that read are declared `pure`, " +
        "calls that act are each an effect in the ledger.",
      "What a run leaves (exact):",
      markdownTable(
        ["graph", "variant", "supersteps", "checkpoints", "statements", "rows", "bytes"],
        rows
          .filter(({ thinkMs }) => thinkMs === first?.thinkMs)
          .map(({ graph, variant, counts }) => [
            graph,
            variant,
            counts.supersteps,
            counts.checkpoints,
            counts.statements,
            counts.rows,
            counts.bytes,
          ]),
      ),
      `Supersteps and checkpoints: ${sameSteps(rows) ? "equal in every run" : "NOT EQUAL"}.`,
      `What it takes (median of interleaved rounds, 95 % interval of the ratio; the aim is at most ${WALL_RATIO} by its upper end):`,
      markdownTable(
        ["graph", "variant", "model", "bare ms", "ms", "ratio", "interval", "aim", "ms a call"],
        rows.map((row) => [
          row.graph,
          row.variant,
          row.thinkMs === 0 ? "at once" : `${row.thinkMs} ms`,
          row.times.referenceMs,
          row.times.variantMs,
          row.times.ratio,
          `${row.times.interval.low.toFixed(3)}–${row.times.interval.high.toFixed(3)}`,
          { true: "held", false: "**not held**", undefined: "" }[String(verdict(row))],
          row.times.differenceMs / (2 * row.calls + 1),
        ]),
      ),
      `Within the aim: ${judged.filter((row) => verdict(row) === true).length} of ${judged.length} rows.`,
      "What a superstep takes early and late in one run (StateGraph: node, writes and checkpoint, the call itself taken off):",
      markdownTable(
        ["step", "bare ms", "all on ms", "added ms"],
        steps.map(({ step, bareMs, allOnMs, addedMs }) => [step, bareMs, allOnMs, addedMs]),
      ),
      `What is added grows by ${driftMs.toFixed(2)} ms from the first place to the last.`,
    ],
    plots: [
      ratioPlot(
        "everything-ratio",
        "Wall time of every package on over bare, with 95 % intervals",
        rows.map((row) => ({
          title: `${row.graph}, ${row.variant}, ${row.thinkMs} ms`,
          ...row.times,
        })),
        WALL_RATIO,
      ),
      linePlot(
        "everything-steps",
        "What a superstep takes by its place in the run, bare and with every package on",
        { x: "superstep", y: "ms", logarithmic: true },
        [
          { title: "bare", points: steps.map(({ step, bareMs }) => [step, bareMs]) },
          { title: "all on", points: steps.map(({ step, allOnMs }) => [step, allOnMs]) },
          { title: "added", points: steps.map(({ step, addedMs }) => [step, addedMs]) },
        ],
      ),
    ],
  };
}
