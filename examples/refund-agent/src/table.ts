import Table from "cli-table3";

import { rows } from "./rows.ts";
import type { Comparison } from "./rows.ts";

/** The table as it is printed, and the labels of rows whose claim did not hold. */
export interface Report {
  readonly text: string;
  readonly failed: readonly string[];
}

/** Lays both variants side by side and checks what each row claims. */
export function compare(both: Comparison): Report {
  const table = new Table({
    head: ["", "bare LangGraph", "with Evenkeel", "checked"],
    colWidths: [30, 34, 34, 9],
    wordWrap: true,
    style: { head: [], border: [] },
  });
  const failed: string[] = [];
  for (const { label, show, claim } of rows) {
    const holds = claim?.(both);
    if (holds === false) failed.push(label);
    const mark = holds === undefined ? "" : holds ? "yes" : "NO";
    table.push([label, show(both.bare), show(both.evenkeel), mark]);
  }
  return { text: table.toString(), failed };
}
