import { readFileSync } from "node:fs";
import { join } from "node:path";

const TAIL_CHARS = 4_000;

/** The end of what the programs in a run's folder have printed, for error messages. */
export function serverLog(folder: string): string {
  try {
    return readFileSync(join(folder, "postgres.log"), "utf8").slice(-TAIL_CHARS).trim();
  } catch {
    return "(it printed nothing)";
  }
}
