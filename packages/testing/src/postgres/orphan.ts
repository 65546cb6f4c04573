import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { identifyProcess, processState } from "./process-identity.ts";

const GRACE_MS = 3_000;

/**
 * Stops the Postgres that still runs on a data directory after everyone who started it is dead.
 * The process id in its lock file may long belong to somebody else, so the process is stopped
 * only if its command line names this very directory.
 */
export async function killOrphanPostgres(dataDirectory: string): Promise<boolean> {
  const pid = await lockHolder(dataDirectory);
  if (pid === undefined || !commandOf(pid).includes(dataDirectory)) return false;
  const identity = identifyProcess(pid);
  try {
    process.kill(pid, "SIGQUIT");
    for (let waited = 0; waited < GRACE_MS && processState(identity) === "alive"; waited += 25) {
      await delay(25);
    }
    if (processState(identity) === "alive") process.kill(pid, "SIGKILL");
  } catch {
    // It ended between the look and the signal, or belongs to another user; with its directory
    // gone Postgres stops by itself within a minute.
  }
  return true;
}

/** The process id in the lock file of a data directory. */
export async function lockHolder(dataDirectory: string): Promise<number | undefined> {
  const lock = await readFile(join(dataDirectory, "postmaster.pid"), "utf8").catch(() => "");
  const pid = Number.parseInt(lock.split("\n")[0] ?? "", 10);
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
}

function commandOf(pid: number): string {
  if (process.platform === "win32") return "";
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    const ps = spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" });
    return ps.stdout ?? "";
  }
}
