import { randomBytes } from "node:crypto";
import { chownSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { TestDatabaseError } from "./database-error.ts";
import { dataDirectoryOf } from "./folder.ts";
import { serverLog } from "./server-log.ts";
import type { Supervisor } from "./supervisor.ts";
import type { SystemUser } from "./system-user.ts";

/** The superuser of every embedded server. */
export const CLUSTER_USER = "evenkeel";

/** Creates the data directory; a password keeps other users of the machine out. */
export async function createCluster(
  supervisor: Supervisor,
  initdbProgram: string,
  folder: string,
  user: SystemUser | undefined,
): Promise<string> {
  const password = randomBytes(16).toString("hex");
  const passwordFile = join(folder, "password");
  const data = dataDirectoryOf(folder);
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) {
    for (const path of [data, passwordFile]) chownSync(path, user.uid, user.gid);
  }
  const initdb = await supervisor.run(initdbProgram, [
    "--pgdata",
    data,
    "--username",
    CLUSTER_USER,
    "--pwfile",
    passwordFile,
    "--auth",
    "scram-sha-256",
    "--encoding",
    "UTF8",
    "--no-locale",
    "--no-sync",
    "--no-instructions",
    "--no-data-checksums",
    // A random password of 128 bits gains nothing from slow hashing, and every connect pays for it.
    "--set",
    "scram_iterations=1",
  ]);
  const exit = await initdb.exited;
  rmSync(passwordFile, { force: true });
  if (exit.code === 0) return password;
  throw new TestDatabaseError({
    code: "postgres-start-failed",
    message: `initdb ended with ${exit.code ?? exit.signal}:\n${serverLog(folder)}`,
  });
}
