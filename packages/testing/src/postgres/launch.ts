import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { TestDatabaseError } from "./database-error.ts";
import { dataDirectoryOf } from "./folder.ts";
import { freePort } from "./free-port.ts";
import { serverLog } from "./server-log.ts";
import type { SupervisedExit, SupervisedProcess, Supervisor } from "./supervisor.ts";

const START_TIMEOUT_MS = 60_000;
const RETRY_MS = 200;
const ATTEMPTS = 50;

const PORT_TAKEN = /could not create any TCP\/IP sockets/u;
// After a killed server its last children may hold on to its memory for a moment.
const PREDECESSOR_LEAVING = /pre-existing shared memory block|lock file .* already exists/u;

/** What a server process is launched with. */
export interface LaunchOptions {
  readonly supervisor: Supervisor;
  readonly program: string;
  readonly folder: string;
  readonly arguments: readonly string[];
  /** Port to listen on. @default a free one */
  readonly port: number | undefined;
  /** Waits for a taken port instead of moving to another. @default false */
  readonly keepPort?: boolean;
}

/** A server that accepts connections. */
export interface RunningPostgres {
  readonly port: number;
  readonly process: SupervisedProcess;
}

/** Launches Postgres on a run's data directory and waits until it accepts connections. */
export async function launchPostgres(options: LaunchOptions): Promise<RunningPostgres> {
  const { supervisor, program, folder, keepPort = false } = options;
  const data = dataDirectoryOf(folder);
  let port = options.port ?? (await freePort());
  let log = "";

  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    // The predecessor is known to be dead here. Left in place, its lock would name a process id
    // that a stranger may have by now, and Postgres would refuse to start.
    rmSync(join(data, "postmaster.pid"), { force: true });
    const before = serverLog(folder);
    const args = ["-D", data, "-p", String(port), ...options.arguments];
    const server = await supervisor.run(program, args);
    if (await isReady(data, server)) return { port, process: server };

    log = serverLog(folder);
    if (log.startsWith(before)) log = log.slice(before.length);
    if (PORT_TAKEN.test(log) && !keepPort) port = await freePort();
    else if (PORT_TAKEN.test(log) || PREDECESSOR_LEAVING.test(log)) await delay(RETRY_MS);
    else break;
  }
  throw new TestDatabaseError({
    code: "postgres-start-failed",
    message: `The embedded Postgres did not start on port ${port}:\n${log.trim()}`,
  });
}

/** Its own lock file says when a server is ready, whatever the language and level of its log. */
async function isReady(data: string, server: SupervisedProcess): Promise<boolean> {
  let exit: SupervisedExit | undefined;
  void server.exited.then((ended) => (exit = ended));
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; await delay(10)) {
    if (exit !== undefined) return false;
    if (lockLines(data)[7]?.startsWith("ready") === true) return true;
  }
  server.kill("SIGQUIT");
  await server.exited;
  return false;
}

function lockLines(data: string): string[] {
  try {
    return readFileSync(join(data, "postmaster.pid"), "utf8").split("\n");
  } catch {
    return [];
  }
}
