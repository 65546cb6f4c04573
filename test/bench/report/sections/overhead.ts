import { WALL_RATIO } from "../../overhead/aims.ts";
import type { OverheadJson } from "../../overhead/report.ts";
import { markdownTable } from "../markdown.ts";
import { ratioPlot } from "../plots.ts";
import type { Section } from "./section.ts";

/** What middleware itself costs, beside LangChain's built-ins and deepagents. */
export function overheadSection({ rows, aims, notes, environment }: OverheadJson): Section {
  return {
    title: "What middleware costs, beside LangChain's built-ins and deepagents",
    blocks: [
      `Each row against its bare graph on ${environment.database}, in interleaved pairs at durability \`sync\`.`,
      markdownTable(
        [
          "row",
          "tool calls",
          "model ms",
          "supersteps",
          "checkpoints",
          "statements",
          "bytes",
          "bare ms",
          "ms",
          "ratio",
          "interval",
          "ms a call",
        ],
        rows.map(({ title, calls, thinkMs, counts, times }) => [
          title,
          calls,
          thinkMs,
          counts.supersteps,
          counts.checkpoints,
          counts.statements,
          counts.bytes,
          times.referenceMs,
          times.variantMs,
          times.ratio,
          `${times.interval.low.toFixed(3)}–${times.interval.high.toFixed(3)}`,
          times.differenceMs / (2 * calls + 1),
        ]),
      ),
      markdownTable(
        ["aim", "", "figure"],
        aims.map(({ aim, held, figure }) => [aim, held ? "held" : "**not held**", figure]),
      ),
      ...notes,
    ],
    plots: [
      ratioPlot(
        "overhead-ratio",
        "Wall time over the bare graph's, row by row, with 95 % intervals",
        rows.map(({ title, calls, thinkMs, times }) => ({
          title: `${title}, ${calls} calls, ${thinkMs} ms`,
          ...times,
        })),
        WALL_RATIO,
      ),
    ],
  };
}
