import { CrashError, type CrashErrorCode } from "./crash-error.ts";
import { runChild, type ScriptOptions, type ScriptOutcome } from "./script-child.ts";

/** Dies at a named point: see `crashPoint()`. */
interface CrashAtPoint extends ScriptOptions {
  /** Name given to `crashPoint()`. */
  at: string;
  /** Which time the point is reached. @default 1 */
  hit?: number;
  killWhen?: never;
}

/** Is killed from outside, in the moment a line of its output says so. */
interface CrashWhenPrinted extends ScriptOptions {
  /** Sees each complete line of standard output; the first `true` kills. */
  killWhen: (line: string) => boolean;
  at?: never;
  hit?: never;
}

/** What {@link crash} is told: the script, and where it dies. */
export type CrashOptions = CrashAtPoint | CrashWhenPrinted;

/** A script that died where it should. */
export interface CrashResult {
  readonly crashed: true;
  /** What the script handed to `reportResult()` last before it died; `undefined` if it did not. */
  readonly result: unknown;
  /** The point and hit, such as `tool:refund:after-effect#2`, or the line that had it killed. */
  readonly at: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** A script that ran to its end. */
export interface RunResult<Result> {
  /** What the script handed to `reportResult()` last; `undefined` if it did not. */
  readonly result: Result;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/**
 * Runs a script in a child process and kills it with a real SIGKILL, at a point it names itself or
 * at a line it prints. A script that ends in any other way is a coded error with its output.
 *
 * @example
 * ```ts
 * await crash({ script: "./refund.ts", args: ["thread-1"], at: "tool:refund:after-effect" });
 * const { result } = await run<{ refunds: number }>({ script: "./refund.ts", args: ["thread-1"] });
 * ```
 */
export async function crash(options: CrashOptions): Promise<CrashResult> {
  const { at, hit = 1, killWhen } = options;
  if (!Number.isInteger(hit) || hit < 1) {
    throw new CrashError({
      code: "invalid-option",
      message: `crash: \`hit\` must be a whole number from 1 up, not ${String(hit)}.`,
    });
  }

  let killedAt: string | undefined;
  const outcome = await runChild(options, {
    ...(at === undefined ? {} : { crashAt: `${at}#${hit}` }),
    onLine: (line, kill) => {
      if (killedAt !== undefined || killWhen?.(line) !== true) return;
      killedAt = line;
      kill();
    },
  });

  const { stdout, stderr, durationMs } = outcome;
  const seen = { result: lastResult(outcome), stdout, stderr, durationMs };
  // The report tells our kill from one by the system, for want of memory for instance.
  const point = outcome.reports.find((report) => report.kind === "point");
  if (point !== undefined) return { crashed: true, at: point.at, ...seen };
  if (killedAt !== undefined && outcome.signal === "SIGKILL" && !outcome.timedOut) {
    return { crashed: true, at: killedAt, ...seen };
  }
  const place = at === undefined ? "the line to kill it at" : `the crash point ${at}#${hit}`;
  if (outcome.code !== 0) throw failure(options, outcome, `, before ${place}`);
  throw coded("crash-point-not-reached", options, outcome, `ended without reaching ${place}`);
}

/** Runs a script in a child process to its end and returns what it gave to `reportResult()`. */
export async function run<Result = unknown>(options: ScriptOptions): Promise<RunResult<Result>> {
  const outcome = await runChild(options, {});
  if (outcome.code !== 0) throw failure(options, outcome, "");
  const { stdout, stderr, durationMs } = outcome;
  return { result: lastResult(outcome) as Result, stdout, stderr, durationMs };
}

function lastResult({ reports }: ScriptOutcome): unknown {
  const last = reports.findLast((report) => report.kind === "result");
  return last?.json === undefined ? undefined : JSON.parse(last.json);
}

function failure(options: ScriptOptions, outcome: ScriptOutcome, where: string): CrashError {
  if (outcome.timedOut) {
    const waited = `was still running after ${Math.round(outcome.durationMs)} ms${where}`;
    return coded("child-timed-out", options, outcome, waited);
  }
  const how = outcome.signal === null ? `exit code ${outcome.code}` : `signal ${outcome.signal}`;
  return coded("child-failed", options, outcome, `ended with ${how}${where}`);
}

function coded(
  code: CrashErrorCode,
  options: ScriptOptions,
  outcome: ScriptOutcome,
  what: string,
): CrashError {
  const { stdout, stderr } = outcome;
  return new CrashError({
    code,
    message: `${String(options.script)} ${what}.\n--- stdout\n${stdout}\n--- stderr\n${stderr}`,
    details: { ...outcome },
  });
}
