import { spawn, type ChildProcess } from "node:child_process";
import { dirname } from "node:path";

import { TestDatabaseError } from "./database-error.ts";
import { serverEnvironment } from "./server-environment.ts";
import { SUPERVISOR_PROGRAM, type SupervisorArguments } from "./supervisor-program.ts";

/** How a supervised process ended; `lost` when its supervisor died first. */
export interface SupervisedExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly lost: boolean;
}

/** A process that the supervisor runs for us. */
export interface SupervisedProcess {
  readonly pid: number;
  readonly exited: Promise<SupervisedExit>;
  kill(signal: NodeJS.Signals): void;
}

/** Our end of the process that outlives a killed parent just long enough to clean up after it. */
export interface Supervisor {
  readonly pid: number;
  /** Runs a program; one at a time. */
  run(file: string, args: readonly string[]): Promise<SupervisedProcess>;
  /** Lets it stop its child and remove its folder, and waits until it has. */
  stop(): Promise<void>;
  /** Whether this process stays up for the supervisor's sake. */
  keepProcessAlive(keep: boolean): void;
}

type Report =
  | { ready: true }
  | { spawned: number }
  | { failed: string }
  | { exited: { code: number | null; signal: string | null } };

/** Starts the supervisor of one run's folder. */
export async function startSupervisor(settings: SupervisorArguments): Promise<Supervisor> {
  const child = spawn(process.execPath, ["-e", SUPERVISOR_PROGRAM, JSON.stringify(settings)], {
    // A group of its own: Ctrl-C and a killed process group must reach it through us, not beside us.
    detached: true,
    cwd: dirname(settings.folder),
    env: serverEnvironment(),
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    windowsHide: true,
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.on("error", () => {});

  await nextReport(child, (report) => "ready" in report);
  return {
    pid: child.pid ?? 0,
    run: async (file, args) => {
      const exited = exitOf(child);
      const started = nextReport(child, (report) => "spawned" in report || "failed" in report);
      send(child, { file, args, env: serverEnvironment() });
      const report = await started;
      if (!("spawned" in report)) {
        throw startFailure("failed" in report ? report.failed : "no report");
      }
      return { pid: report.spawned, exited, kill: (signal) => send(child, { signal }) };
    },
    stop: async () => {
      if (child.connected) child.disconnect();
      await gone;
    },
    keepProcessAlive: (keep) => {
      if (keep) {
        child.ref();
        child.channel?.ref();
      } else {
        child.unref();
        child.channel?.unref();
      }
    },
  };
}

function send(child: ChildProcess, message: object): void {
  if (child.connected) child.send(message, () => {});
}

function nextReport(child: ChildProcess, wanted: (report: Report) => boolean): Promise<Report> {
  return new Promise((resolve, reject) => {
    const onMessage = (report: Report): void => {
      if (!wanted(report)) return;
      settle();
      resolve(report);
    };
    const onGone = (cause?: unknown): void => {
      settle();
      reject(startFailure("its supervisor ended", cause));
    };
    const settle = (): void => {
      child.off("message", onMessage);
      child.off("exit", onGone);
      child.off("error", onGone);
    };
    child.on("message", onMessage);
    child.on("exit", onGone);
    child.on("error", onGone);
    if (child.exitCode !== null || child.signalCode !== null) onGone();
  });
}

function exitOf(child: ChildProcess): Promise<SupervisedExit> {
  return new Promise((resolve) => {
    const onMessage = (report: Report): void => {
      if (!("exited" in report)) return;
      settle();
      resolve({ ...report.exited, lost: false });
    };
    const onGone = (): void => {
      settle();
      resolve({ code: null, signal: null, lost: true });
    };
    const settle = (): void => {
      child.off("message", onMessage);
      child.off("exit", onGone);
    };
    child.on("message", onMessage);
    child.on("exit", onGone);
    if (child.exitCode !== null || child.signalCode !== null) onGone();
  });
}

function startFailure(reason: string, cause?: unknown): TestDatabaseError {
  return new TestDatabaseError({
    code: "postgres-start-failed",
    message: `The embedded Postgres could not be started: ${reason}.`,
    cause,
  });
}
