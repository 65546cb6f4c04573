import Table from "cli-table3";

import { plainText } from "../shape/plain-text.ts";
import type { ListedRun } from "./listed-run.ts";

const MOST_FLAGS = 4;

/** Flagged runs as a table; what came from runs cannot reach the terminal as a control. */
export function tableOf(runs: readonly ListedRun[]): string {
  if (runs.length === 0) return "No flagged run.\n";
  const table = new Table({
    head: ["began", "severity", "score", "outcome", "execution, thread", "why"],
    colWidths: [21, 10, 7, 13, 40, 72],
    wordWrap: true,
    wrapOnWordBoundary: false,
    style: { head: [], border: [] },
  });
  for (const run of runs) {
    const { startedAt, severity, score, outcome, executionId, threadId } = run;
    table.push([
      plainText(startedAt.slice(0, 19), 19),
      severity,
      score.toFixed(2),
      outcome,
      plainText([executionId, threadId ?? "no thread"].join("\n"), 400),
      whyOf(run),
    ]);
  }
  return `${table.toString()}\n`;
}

function whyOf({ flags }: ListedRun): string {
  const lines = flags.slice(0, MOST_FLAGS).map(({ rule, evidence, step }) => {
    const place = step === null ? "" : ` [call ${step}]`;
    return plainText(`${rule}: ${evidence}${place}`, 400);
  });
  const more = flags.length - lines.length;
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join("\n");
}

/** Anything as JSON; controls that JSON leaves as they are become escapes as well. */
export function jsonOf(value: unknown): string {
  const text = JSON.stringify(value, undefined, 2);
  return `${text.replaceAll(/[\u007F-\u009F\u2028-\u202E\u2066-\u2069]/g, escaped)}\n`;
}

function escaped(sign: string): string {
  return `\\u${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
}
