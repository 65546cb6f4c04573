import { appendFileSync } from "node:fs";
import { availableParallelism } from "node:os";

import { CrashError } from "./crash-error.ts";
import { readFinishedCases } from "./crash-matrix-file.ts";

/** One case of a matrix: usually a `crash()`, a `run()` that resumes, and a look at what came of it. */
export interface MatrixCase<Result> {
  /** Unique in the matrix; a resumed matrix recognises the case by it. */
  readonly name: string;
  /** Throws when the case fails; what it returns must be JSON if there is a `resumeFile`. */
  readonly run: () => Promise<Result>;
}

/** How one case went. */
export type CaseResult<Result> = PassedCase<Result> | FailedCase;

/** A case that returned. */
export interface PassedCase<Result> {
  readonly name: string;
  readonly passed: true;
  readonly result: Result;
  readonly durationMs: number;
  /** True when the result was read from the resume file. */
  readonly resumed: boolean;
}

/** A case that threw. */
interface FailedCase {
  readonly name: string;
  readonly passed: false;
  readonly error: unknown;
  readonly durationMs: number;
  readonly resumed: false;
}

/** What {@link crashMatrix} can be told. */
export interface CrashMatrixOptions<Result> {
  /** Cases at a time. @default the number of processors */
  concurrency?: number;
  /** JSON Lines file of finished cases: what passed before is not run again. @default none */
  resumeFile?: string;
  /** Only lines of the same key count, for instance the commit under test. @default "" */
  resumeKey?: string;
  /** Called after each case, in the order they finish. */
  onResult?: (result: CaseResult<Result>) => void;
}

/** How a whole matrix went. */
export interface CrashMatrixResult<Result> {
  /** In the order of the cases. */
  readonly results: readonly CaseResult<Result>[];
  readonly passed: number;
  readonly failed: number;
  /** How many of the passed were taken from the resume file. */
  readonly resumed: number;
  readonly durationMs: number;
}

/** Runs many cases side by side; one that fails does not stop the others. Prints nothing. */
export async function crashMatrix<Result>(
  cases: readonly MatrixCase<Result>[],
  options: CrashMatrixOptions<Result> = {},
): Promise<CrashMatrixResult<Result>> {
  const { concurrency = availableParallelism(), resumeFile, resumeKey = "", onResult } = options;
  refuseBadInput(cases, concurrency);
  const startedAt = performance.now();
  const finished =
    resumeFile === undefined
      ? new Map<string, PassedCase<Result>>()
      : readFinishedCases<Result>(resumeFile, resumeKey);

  const results: CaseResult<Result>[] = [];
  let next = 0;
  async function work(): Promise<void> {
    for (let index = next++; index < cases.length; index = next++) {
      const candidate = cases[index];
      if (candidate === undefined) return;
      const known = finished.get(candidate.name);
      const result = known ?? (await runCase(candidate));
      results[index] = result;
      if (resumeFile !== undefined && known === undefined) {
        appendFileSync(resumeFile, `${lineOf(result, resumeKey)}\n`);
      }
      onResult?.(result);
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, cases.length) }, work));

  const count = (wanted: (result: CaseResult<Result>) => boolean): number =>
    results.filter(wanted).length;
  return {
    results,
    passed: count((result) => result.passed),
    failed: count((result) => !result.passed),
    resumed: count((result) => result.resumed),
    durationMs: performance.now() - startedAt,
  };
}

async function runCase<Result>({ name, run }: MatrixCase<Result>): Promise<CaseResult<Result>> {
  const startedAt = performance.now();
  try {
    const result = await run();
    const durationMs = performance.now() - startedAt;
    return { name, passed: true, result, durationMs, resumed: false };
  } catch (error) {
    const durationMs = performance.now() - startedAt;
    return { name, passed: false, error, durationMs, resumed: false };
  }
}

function lineOf(result: CaseResult<unknown>, key: string): string {
  const { name, passed, durationMs } = result;
  const outcome = result.passed ? { result: result.result } : { error: String(result.error) };
  return JSON.stringify({ key, name, passed, durationMs, ...outcome });
}

function refuseBadInput(cases: readonly MatrixCase<unknown>[], concurrency: number): void {
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new CrashError({
      code: "invalid-option",
      message: `crashMatrix: \`concurrency\` must be a whole number from 1 up, not ${String(concurrency)}.`,
    });
  }
  if (cases.length === 0) {
    throw new CrashError({
      code: "invalid-option",
      message: "crashMatrix: no case came, so nothing would be shown; at least one is needed.",
    });
  }
  const names = new Set<string>();
  for (const { name } of cases) {
    if (names.has(name)) {
      throw new CrashError({
        code: "duplicate-case",
        message: `crashMatrix: two cases are called ${JSON.stringify(name)}; names must be unique.`,
      });
    }
    names.add(name);
  }
}
