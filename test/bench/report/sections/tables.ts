import { objectTable } from "../markdown.ts";
import type { Section } from "./section.ts";

type Rows = readonly Readonly<Record<string, unknown>>[];

/** One fault schedule through LangChain's retries and ours, and what ours cost where nothing fails. */
export function retrySection({ schedule, cost }: { schedule: Rows; cost: Rows }): Section {
  return section("Retries, budget and breaker", [
    "One fault schedule through LangChain's `modelRetry` and `toolRetry`, and through ours:",
    objectTable(schedule),
    "What a run that does not fail takes, in interleaved pairs against the bare graph:",
    objectTable(cost),
  ]);
}

/** What limits cost a call, and what a breaker saves. */
export function limitsSection({ rows, badDay }: { rows: Rows; badDay: Rows }): Section {
  return section("Budget and breaker on Postgres", [
    objectTable(rows),
    "One service's bad day, asked once a second with two retries a call (virtual time):",
    objectTable(badDay),
  ]);
}

/** What an effect that happens once costs. */
export function idempotencySection({ rows, noiseMs }: { rows: Rows; noiseMs: number }): Section {
  return section("Effects once", [
    objectTable(rows.map(({ faults, ...row }) => ({ ...row, faults: asText(faults) }))),
    `Bare against bare: ${noiseMs} ms a call.`,
  ]);
}

/** What flags cost an execution. */
export function flagsSection(result: { rows: Rows; computing: Rows; database: string }): Section {
  return section("Flags", [
    `What flags cost an execution on ${result.database}:`,
    objectTable(result.rows),
    "Of that, computing, in milliseconds of processor time:",
    objectTable(result.computing),
  ]);
}

/** What loop detection costs a call. */
export function loopsSection({ rows, counts }: { rows: Rows; counts: Rows }): Section {
  return section("Loop detection", [
    "Microseconds a call, which is one reply of the model and one run of the tool it asked for:",
    objectTable(rows),
    objectTable(counts),
  ]);
}

function section(title: string, blocks: readonly string[]): Section {
  return { title, blocks, plots: [] };
}

function asText(faults: unknown): string {
  return Array.isArray(faults) && faults.length > 0 ? faults.join("; ") : "none";
}
