import { markdownTable } from "../markdown.ts";
import type { Section } from "./section.ts";

interface ToldRow {
  readonly task: string;
  readonly model: string;
  readonly told: string;
  readonly done: boolean;
  readonly attempts: number;
  readonly modelCalls: number;
  readonly promptTokens: number;
}

/** What being told of a failure is worth, and costs. */
export function failureContextSection(rows: readonly ToldRow[]): Section {
  return {
    title: "The next attempt knows what failed",
    blocks: [
      "Tasks whose first attempt fails, over the wire, by how much of each result the next attempt is told.",
      markdownTable(
        ["task", "model", "told", "done", "attempts", "model calls", "prompt tokens"],
        rows.map((row) => [
          row.task,
          row.model,
          row.told,
          row.done,
          row.attempts,
          row.modelCalls,
          row.promptTokens,
        ]),
      ),
    ],
    plots: [],
  };
}
