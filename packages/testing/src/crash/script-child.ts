import { type ChildProcess, spawn } from "node:child_process";
import { Readable } from "node:stream";

import { type ChildReport, REPORT_CHANNEL } from "./child-report.ts";
import { CrashError } from "./crash-error.ts";
import { CRASH_AT } from "./crash-point.ts";
import { scriptCommand } from "./script-command.ts";

const REPORT_DESCRIPTOR = 3;
const LAST_OUTPUT_MS = 500;

/** A script to run in a child process. */
export interface ScriptOptions {
  /** Path or file URL of a JavaScript or TypeScript module; its own `process.argv[1]`. */
  script: string | URL;
  /** Arguments after it. @default [] */
  args?: readonly string[];
  /** Variables beside those of this process; `undefined` takes one away. @default {} */
  env?: Readonly<Record<string, string | undefined>>;
  /** Working directory. @default that of this process */
  cwd?: string;
  /** Longest it may take, in milliseconds, before it is killed. @default 60000 */
  timeoutMs?: number;
  /**
   * Makes one file of the script and all it imports before its first run, which loads several times
   * faster; `import.meta.url` then names that file. @default false
   */
  bundle?: boolean;
}

/** How a script in a child process ended. */
export interface ScriptOutcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
  readonly reports: readonly ChildReport[];
  readonly durationMs: number;
}

/** What the parent adds to a script's run. */
export interface ScriptHooks {
  /** Point at which the child kills itself. */
  crashAt?: string;
  /** Sees every complete line of the output, and may kill the child. */
  onLine?: (line: string, kill: () => void) => void;
}

/** Runs a script in a child process to its end, whatever that is. */
export async function runChild(options: ScriptOptions, hooks: ScriptHooks): Promise<ScriptOutcome> {
  const { script, args = [], env = {}, cwd, timeoutMs = 60_000, bundle = false } = options;
  const command = await scriptCommand(script, bundle);
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...command.nodeArguments, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: {
      ...process.env,
      ...env,
      [CRASH_AT]: hooks.crashAt,
      [REPORT_CHANNEL]: String(REPORT_DESCRIPTOR),
    },
    stdio: ["ignore", "pipe", "pipe", "pipe", "ipc"],
    windowsHide: true,
  });
  endWithThisProcess(child);

  const kill = (): void => void child.kill("SIGKILL");
  const stdout = collect(child.stdout, (line) => hooks.onLine?.(line, kill));
  const stderr = collect(child.stderr);
  const reports: ChildReport[] = [];
  collect(child.stdio[REPORT_DESCRIPTOR], (line) => {
    const report: ChildReport = JSON.parse(line);
    reports.push(report);
  });

  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, timeoutMs);
  const { code, signal } = await ended(child).finally(() => {
    clearTimeout(timer);
    command.dispose();
  });
  const durationMs = performance.now() - startedAt;
  return { code, signal, timedOut, stdout: stdout(), stderr: stderr(), reports, durationMs };
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

function ended(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => {
      const message = `The child process could not be started: ${cause.message}.`;
      reject(new CrashError({ code: "child-failed", message, cause }));
    });
    child.once("exit", (code, signal) => {
      const finish = (): void => {
        clearTimeout(timer);
        resolve({ code, signal });
      };
      // A grandchild that inherited the pipes keeps them open beyond the child's death.
      const timer = setTimeout(finish, LAST_OUTPUT_MS);
      child.once("close", finish);
    });
  });
}

function collect(stream: unknown, onLine?: (line: string) => void): () => string {
  let text = "";
  let line = "";
  if (!(stream instanceof Readable)) return () => text;
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    text += chunk;
    if (onLine === undefined) return;
    const lines = (line + chunk).split("\n");
    line = lines.pop() ?? "";
    for (const complete of lines) onLine(complete);
  });
  // A killed child can break its pipes; what was read before is what there is.
  stream.on("error", () => {});
  return () => text;
}

const living = new Set<ChildProcess>();

/** Covers an orderly exit at once; a child also ends itself when the channel to this process breaks. */
function endWithThisProcess(child: ChildProcess): void {
  if (living.size === 0) process.on("exit", killLiving);
  living.add(child);
  child.on("error", () => {});
  child.once("exit", () => {
    living.delete(child);
    if (living.size === 0) process.off("exit", killLiving);
  });
}

function killLiving(): void {
  for (const child of living) child.kill("SIGKILL");
}
