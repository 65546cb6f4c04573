import type { RunReport } from "../run-report.ts";

/** How much a run read and wrote: tokens where they were counted, a quarter of its characters otherwise. */
export function runSize(record: RunReport): number {
  if (record.tokens !== null) return record.tokens.input + record.tokens.output;
  return Math.round(record.characters / 4);
}
