import type { OffloadReport } from "../../offload/report.ts";
import { markdownTable } from "../markdown.ts";
import { linePlot } from "../plots.ts";
import type { Section } from "./section.ts";

const MEGA = 1e6;

/** What offloading keeps out, gives back and costs, beside deepagents' own. */
export function offloadSection({ environment, ...report }: OffloadReport): Section {
  const { keptOut, checkpoints, reads, costs, memory } = report;
  const variants = [...new Set(checkpoints.map(({ variant }) => variant))];
  return {
    title: "Large results",
    blocks: [
      `On ${environment.database}. What stays out of the context, and comes back through \`read_tool_result\` (exact):`,
      markdownTable(
        [
          "results",
          "from",
          "offloaded",
          "came back exact",
          "MB",
          "MB kept out",
          "tokens",
          "tokens kept out",
        ],
        keptOut.map((row) => [
          `${row.results} ${row.corpus}`,
          `${row.thresholdKiB} KiB`,
          row.offloaded,
          row.exact,
          row.bytes / MEGA,
          row.bytesKeptOut / MEGA,
          row.tokens,
          row.tokensKeptOut,
        ]),
      ),
      "What a run leaves in Postgres (exact): one tool call a round, of 0.3, 0.7, 1.5, 3 and 24 KB by turns.",
      markdownTable(
        ["agent", "rounds", "checkpoints", "MB of checkpoints", "MB elsewhere"],
        checkpoints.map((row) => [
          row.variant,
          row.rounds,
          row.checkpoints,
          row.checkpointBytes / MEGA,
          row.elsewhereBytes / MEGA,
        ]),
      ),
      "What reading one result takes from Postgres:",
      markdownTable(
        ["call", "bytes needed", "bytes read", "statements", "ms"],
        reads.map(({ call, needed, read, statements, ms }) => [call, needed, read, statements, ms]),
      ),
      "What it costs:",
      markdownTable(
        ["what", "ms", "per", "clock"],
        costs.map(({ what, costMs, unit, clock }) => [what, costMs, unit, clock]),
      ),
      "Memory of a process that has one large result:",
      markdownTable(
        ["process", "MB of result", "MB at first", "MB at most", "bytes in state"],
        memory.map(({ what, megabytes, baseRss, peakRss, messageBytes }) => [
          what,
          megabytes,
          baseRss / MEGA,
          peakRss / MEGA,
          messageBytes,
        ]),
      ),
    ],
    plots: [
      linePlot(
        "offload-checkpoints",
        "Megabytes of checkpoints by the rounds of a run, agent by agent",
        { x: "rounds", y: "MB of checkpoints" },
        variants.map((variant) => ({
          title: variant,
          points: checkpoints
            .filter((row) => row.variant === variant)
            .map(({ rounds, checkpointBytes }): [number, number] => [
              rounds,
              checkpointBytes / MEGA,
            ]),
        })),
      ),
    ],
  };
}
