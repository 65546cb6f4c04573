import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";

import { TestDatabaseError } from "./database-error.ts";

/** A user of this machine that a child process can run as. */
export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The user Postgres must run as: one without privileges for root, `undefined` (nobody else) for others. */
export function serverUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const user = unprivilegedUser(readFileSync("/etc/passwd", "utf8"));
  if (user !== undefined) return user;
  throw new TestDatabaseError({
    code: "postgres-user-unavailable",
    message:
      "Postgres refuses to run as root, and /etc/passwd names no other user. " +
      "Add one (`useradd postgres`), or set DATABASE_URL to a server that runs already.",
  });
}

/** Picks from the text of a passwd file: `postgres`, else `nobody`, else the first that is not root. */
export function unprivilegedUser(passwd: string): SystemUser | undefined {
  const users: SystemUser[] = [];
  for (const line of passwd.split("\n")) {
    const [name, , uid, gid] = line.split(":");
    if (name === undefined || !/^\d+$/u.test(uid ?? "") || !/^\d+$/u.test(gid ?? "")) continue;
    const user = { name, uid: Number(uid), gid: Number(gid) };
    if (user.uid !== 0) users.push(user);
  }
  const named = (name: string): SystemUser | undefined => users.find((user) => user.name === name);
  return named("postgres") ?? named("nobody") ?? users[0];
}

/** Tells whether a user may pass through every folder down to, and including, this one. */
export function isReachable(folder: string, user: SystemUser): boolean {
  for (let current = realpathSync(folder); ; current = dirname(current)) {
    const { uid, gid, mode } = statSync(current);
    const search = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & search) === 0) return false;
    if (current === dirname(current)) return true;
  }
}
