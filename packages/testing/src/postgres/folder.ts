import { accessSync, chmodSync, constants, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { lstat, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { TestDatabaseError } from "./database-error.ts";
import { killOrphanPostgres } from "./orphan.ts";
import { identifyProcess, processState, toProcessIdentity } from "./process-identity.ts";
import { isReachable, type SystemUser } from "./system-user.ts";

const PREFIX = "evenkeel-postgres-";
const OWNERS = "owners.json";

/** Longest a run may take between making its folder and writing its owners into it. */
const UNOWNED_GRACE_MS = 600_000;

/** Where Postgres keeps its data inside a run's folder. */
export function dataDirectoryOf(folder: string): string {
  return join(folder, "data");
}

/** Makes the temporary folder of one server, and removes what dead runs left beside it. */
export async function createRunFolder(user: SystemUser | undefined): Promise<string> {
  const base = temporaryFolder(user);
  await sweepRunFolders(base);
  const folder = mkdtempSync(join(base, PREFIX));
  if (user !== undefined) chmodSync(folder, 0o711);
  writeOwners(folder, [process.pid]);
  return folder;
}

/** Records the processes that use a run's folder: while one of them lives, nobody sweeps it. */
export function writeOwners(folder: string, pids: readonly number[]): void {
  writeFileSync(join(folder, OWNERS), JSON.stringify(pids.map((pid) => identifyProcess(pid))));
}

/** Removes the folders, and stops the servers, of runs whose processes are all dead. */
export async function sweepRunFolders(base: string): Promise<string[]> {
  const swept: string[] = [];
  for (const name of readdirSync(base)) {
    if (!name.startsWith(PREFIX)) continue;
    const folder = join(base, name);
    // A leftover that cannot be removed must never stop a new run from starting.
    if (await isLeftover(folder).catch(() => false)) {
      await removeRunFolder(folder).catch(() => {});
      swept.push(folder);
    }
  }
  return swept;
}

/** Stops the server in a run's folder, should one still run, and removes the folder. */
export async function removeRunFolder(folder: string): Promise<void> {
  await killOrphanPostgres(dataDirectoryOf(folder));
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

async function isLeftover(folder: string): Promise<boolean> {
  const stats = await lstat(folder);
  // In a temp folder anybody can plant a name: only folders of our own user are ours.
  if (!stats.isDirectory() || stats.uid !== (process.getuid?.() ?? stats.uid)) return false;
  const owners = await readOwners(folder);
  if (owners.length === 0) return Date.now() - stats.mtimeMs > UNOWNED_GRACE_MS;
  return owners.every((owner) => owner !== undefined && processState(owner) === "gone");
}

async function readOwners(folder: string): Promise<ReturnType<typeof toProcessIdentity>[]> {
  try {
    const owners: unknown = JSON.parse(await readFile(join(folder, OWNERS), "utf8"));
    return Array.isArray(owners) ? owners.map((owner) => toProcessIdentity(owner)) : [];
  } catch {
    return [];
  }
}

function temporaryFolder(user: SystemUser | undefined): string {
  const candidates = [tmpdir(), "/tmp", "/var/tmp"];
  const base = candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.W_OK | constants.X_OK);
      return user === undefined || isReachable(candidate, user);
    } catch {
      return false;
    }
  });
  if (base !== undefined) return base;
  throw new TestDatabaseError({
    code: "postgres-folder-unavailable",
    message:
      `None of ${candidates.join(", ")} can be written to` +
      `${user === undefined ? "" : ` and reached by the user ${user.name}`}. Set TMPDIR to a folder that can.`,
  });
}
