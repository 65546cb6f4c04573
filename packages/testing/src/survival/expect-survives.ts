import { availableParallelism } from "node:os";

import { crashMatrix } from "../crash/crash-matrix.ts";
import { freshDatabase } from "../postgres/fresh-database.ts";
import { checkpointPackage } from "./checkpoint-package.ts";
import { entryFile } from "./entry-file.ts";
import { faultsOf } from "./outcome.ts";
import { survivalRunner } from "./run-case.ts";
import { SurvivalError } from "./survival-error.ts";
import { assertSurvivalOptions } from "./survival-options.ts";
import type { SurvivalOptions } from "./survival-options.ts";

const AGAIN = "uncrashed, once more";

/** What a graph has survived. */
export interface Survival {
  /** Where it was killed, one process each. */
  readonly boundaries: readonly string[];
  /** How often each effect happened, in every one of the cases. */
  readonly effects: Readonly<Record<string, number>>;
  readonly durationMs: number;
}

/**
 * Kills a graph with SIGKILL at every boundary of a superstep and of a tool, one run each, resumes it
 * in another process, and compares state and effects with the run that was not killed.
 *
 * Error behavior: a graph that does not survive rejects with `did-not-survive`, whose message names
 * each boundary and what was different; two uncrashed runs that differ are `not-deterministic`.
 * Output: where it was killed. State: a database of its own, dropped afterwards. When it fires: two
 * processes for each boundary, beside three for the runs that are not killed.
 *
 * @example
 * ```ts
 * const input = { messages: [{ role: "user", content: "refund order A1" }] };
 * await expectSurvives("./src/agent.ts:agent", input, { readOnly: ["look_up_order"] });
 * ```
 */
export async function expectSurvives(
  module: string | URL,
  input: unknown,
  options: SurvivalOptions = {},
): Promise<Survival> {
  assertSurvivalOptions(input, options);
  const startedAt = performance.now();
  const entry = await entryFile(module, options.bundle ?? false);
  const database = options.ownCheckpointer === true ? undefined : await preparedDatabase();
  try {
    const runner = survivalRunner({ entry, input, options, database: database?.access });
    const uncrashed = await runner.uncrashed();
    const boundaries = uncrashed.boundaries.filter(options.boundaries ?? (() => true));
    assertBoundaries(boundaries, entry.title);
    const { effects, concurrency = effects === undefined ? availableParallelism() : 1 } = options;
    let differs = false;
    const { results } = await crashMatrix(
      [
        // What differs between two runs that nobody killed, a crash did not cause.
        {
          name: AGAIN,
          run: async () => {
            const faults = faultsOf(uncrashed, await runner.uncrashed());
            differs = faults.length > 0;
            return faults;
          },
        },
        ...boundaries.map((name) => ({
          name,
          run: async () => (differs ? [] : runner.killedAt(name, uncrashed)),
        })),
      ],
      { concurrency },
    );
    const [again, ...killed] = results.map(({ name, ...result }) => ({
      boundary: name,
      faults: result.passed ? result.result : [String(result.error)],
    }));
    assertDeterministic(again?.faults ?? []);
    assertSurvived(killed, entry.title);
    const durationMs = performance.now() - startedAt;
    return { boundaries, effects: uncrashed.effects, durationMs };
  } finally {
    await Promise.all([entry.dispose(), database?.drop()]);
  }
}

async function preparedDatabase() {
  const { PostgresSaver, PostgresStore } = await checkpointPackage();
  const database = await freshDatabase({ maxConnections: 2 });
  const access = { url: database.url, schema: database.schema ?? "public" };
  await new PostgresSaver(database.pool, undefined, { schema: access.schema }).setup();
  const store = new PostgresStore({ connectionOptions: access.url, schema: access.schema });
  await store.setup();
  await store.stop();
  return { access, drop: database.drop };
}

function assertDeterministic(faults: readonly string[]): void {
  if (faults.length === 0) return;
  throw new SurvivalError({
    code: "not-deterministic",
    message: `Two runs that nobody killed differ, so a crash cannot be judged:\n${indent(faults)}\nGive the graph a model that answers by the conversation (replyByTurn), or leave out with \`compare\` what may differ.`,
    details: { faults },
  });
}

function assertBoundaries(boundaries: readonly string[], title: string): void {
  if (boundaries.length > 0) return;
  throw new SurvivalError({
    code: "no-boundaries",
    message: `${title} wrote no checkpoint and called no tool, or \`boundaries\` chose none: there is nowhere to kill it.`,
  });
}

interface KilledRun {
  readonly boundary: string;
  readonly faults: readonly string[];
}

function assertSurvived(killed: readonly KilledRun[], title: string): void {
  const failed = killed.filter(({ faults }) => faults.length > 0);
  if (failed.length === 0) return;
  const lines = failed.map(({ boundary, faults }) => `killed at "${boundary}":\n${indent(faults)}`);
  throw new SurvivalError({
    code: "did-not-survive",
    message: `${title} did not survive ${failed.length} of ${killed.length} crashes.\n${lines.join("\n")}`,
    details: { failed },
  });
}

function indent(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join("\n");
}
