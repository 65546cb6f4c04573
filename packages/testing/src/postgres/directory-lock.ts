import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

import { errorCode } from "../error-code.ts";
import { TestDatabaseError } from "./database-error.ts";
import {
  identifyProcess,
  type ProcessIdentity,
  processState,
  toProcessIdentity,
} from "./process-identity.ts";

const ATTEMPTS = 50;
const RETRY_MS = 10;

/** A directory that only this process uses. */
export interface DirectoryLock {
  readonly release: () => void;
}

/** Locks a directory by a file beside it; the lock of a process that died is taken over. */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  mkdirSync(directory, { recursive: true });
  const lock = `${realpathSync(directory)}.lock`;
  const own = `${lock}.${randomBytes(6).toString("hex")}`;
  // Linking a file that is complete is atomic: nobody ever reads a lock half written.
  writeFileSync(own, JSON.stringify(identifyProcess()));
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (links(own, lock)) return { release: () => rmSync(lock, { force: true }) };
      refuseIfHeld(directory, lock);
      // Of several that find the same dead lock, the one that gets this second lock removes it.
      const takeover = `${lock}.takeover`;
      if (links(own, takeover)) {
        try {
          refuseIfHeld(directory, lock);
          rmSync(lock, { force: true });
        } finally {
          rmSync(takeover, { force: true });
        }
      } else {
        if (stateOf(holderOf(takeover)) === "gone") rmSync(takeover, { force: true });
        await delay(RETRY_MS);
      }
    }
    throw locked(directory, lock, undefined);
  } finally {
    rmSync(own, { force: true });
  }
}

function links(source: string, target: string): boolean {
  try {
    linkSync(source, target);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

function refuseIfHeld(directory: string, lock: string): void {
  const holder = holderOf(lock);
  if (holder === "none" || stateOf(holder) === "gone") return;
  throw locked(directory, lock, holder);
}

function stateOf(holder: ProcessIdentity | "none" | undefined): ReturnType<typeof processState> {
  return typeof holder === "object" ? processState(holder) : "gone";
}

/** `none`: there is no lock; `undefined`: the file is not one of ours, so nobody holds it. */
function holderOf(lock: string): ProcessIdentity | "none" | undefined {
  try {
    return toProcessIdentity(JSON.parse(readFileSync(lock, "utf8")));
  } catch (error) {
    return errorCode(error) === "ENOENT" ? "none" : undefined;
  }
}

function locked(
  directory: string,
  lock: string,
  holder: ProcessIdentity | undefined,
): TestDatabaseError {
  const who =
    holder === undefined ? "another process" : `process ${holder.pid} (${holder.machine})`;
  return new TestDatabaseError({
    code: "directory-locked",
    message:
      `${directory} is in use by ${who}, and PGlite bears one process only. Stop that one, use another ` +
      `directory, or use startPostgres() for several processes. If it is surely dead, delete ${lock}.`,
    details: { directory, lock, holder },
  });
}
