import { randomUUID } from "node:crypto";

import { crash, run } from "../crash/crash.ts";
import type { ScriptOptions } from "../crash/script-child.ts";
import type { EntryFile } from "./entry-file.ts";
import { effectsOf, faultsOf } from "./outcome.ts";
import type { SurvivalOutcome } from "./outcome.ts";
import { SurvivalError } from "./survival-error.ts";
import { SURVIVAL_JOB } from "./survival-job.ts";
import type { Answer, SurvivalJob, SurvivalReport } from "./survival-job.ts";
import type { SurvivalOptions } from "./survival-options.ts";
import { addCounts } from "./tool-runs.ts";

/** The run that crashed ones are compared with. */
interface UncrashedRun extends SurvivalOutcome {
  /** Each by a name of its own: the second time a point is reached it ends in `#2`. */
  readonly boundaries: readonly string[];
  readonly answers: readonly Answer[];
}

/** Runs the graph in processes of its own. */
export interface SurvivalRunner {
  uncrashed(): Promise<UncrashedRun>;
  /** What is different after a crash at this boundary; empty where nothing is. */
  killedAt(boundary: string, uncrashed: UncrashedRun): Promise<readonly string[]>;
}

/** What every process of a graph has in common. */
export interface SurvivalStage {
  readonly entry: EntryFile;
  readonly input: unknown;
  readonly options: SurvivalOptions;
  readonly database: SurvivalJob["database"];
}

/** Makes the processes of one call of `expectSurvives()`. */
export function survivalRunner({ entry, input, options, database }: SurvivalStage): SurvivalRunner {
  const { answers = [], config = {}, readOnly = [], compare, effects, env } = options;
  const { bundle = false, timeoutMs = 60_000 } = options;

  function child(thread: string, act: SurvivalJob["act"], known: readonly Answer[]): ScriptOptions {
    const job: SurvivalJob = {
      act,
      exportName: entry.exportName,
      input,
      thread,
      settings: config,
      answers: known,
      database,
      ownCheckpointer: database === undefined,
    };
    const variables = { ...env, [SURVIVAL_JOB]: JSON.stringify(job) };
    return { script: entry.script, env: variables, bundle, timeoutMs };
  }

  /** Counts around some work, in the world or by what the work tells of its tools. */
  async function counted(
    threadId: string,
    work: () => Promise<{ report: SurvivalReport; toolRuns: Readonly<Record<string, number>> }>,
  ): Promise<SurvivalOutcome & { readonly report: SurvivalReport }> {
    const before = await effects?.({ threadId });
    const { report, toolRuns } = await work();
    const seen = compare === undefined || report.failed !== undefined;
    const state = seen ? report.state : compare(report.state as Record<string, unknown>);
    if (effects === undefined || before === undefined) {
      return { report, state, effects: effectsOf(toolRuns, readOnly) };
    }
    return { report, state, effects: minus(named(await effects({ threadId })), named(before)) };
  }

  return {
    async uncrashed() {
      const thread = `uncrashed-${randomUUID()}`;
      const given = answers.map((answer) => ({ answer }));
      const { report, ...outcome } = await counted(thread, async () => {
        const { result } = await run<SurvivalReport>(child(thread, "start", given));
        if (result.failed !== undefined) {
          throw new SurvivalError({
            code: "run-failed",
            message: `${entry.title} fails without a crash: ${result.failed}`,
          });
        }
        return { report: result, toolRuns: result.toolRuns };
      });
      return {
        ...outcome,
        boundaries: numbered(report.boundaries),
        answers: report.asked.map((asked, index) => ({ asked, answer: answers[index] })),
      };
    },

    async killedAt(boundary, uncrashed) {
      const thread = `killed-${randomUUID()}`;
      const [, at = boundary, hit = "1"] = /^(.*) #(\d+)$/u.exec(boundary) ?? [];
      let failed: string | undefined;
      const outcome = await counted(thread, async () => {
        const start = child(thread, "start", uncrashed.answers);
        const { result } = await crash({ ...start, at, hit: Number(hit) });
        const before = (result as SurvivalReport | undefined)?.toolRuns ?? {};
        const { result: report } = await run<SurvivalReport>(
          child(thread, "resume", uncrashed.answers),
        );
        ({ failed } = report);
        return { report, toolRuns: addCounts(before, report.toolRuns) };
      });
      if (failed === undefined) return faultsOf(uncrashed, outcome);
      // A run that failed has no state to compare; what it did to the world still counts.
      const { state } = uncrashed;
      return [`the resumed run failed: ${failed}`, ...faultsOf(uncrashed, { ...outcome, state })];
    },
  };
}

function numbered(points: readonly string[]): string[] {
  const hits = new Map<string, number>();
  return points.map((point) => {
    const hit = (hits.get(point) ?? 0) + 1;
    hits.set(point, hit);
    return hit === 1 ? point : `${point} #${hit}`;
  });
}

function named(
  counts: number | Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  return typeof counts === "number" ? { "the effect": counts } : counts;
}

function minus(
  after: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Record<string, number> {
  const names = [...new Set([...Object.keys(after), ...Object.keys(before)])];
  return Object.fromEntries(names.map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]));
}
