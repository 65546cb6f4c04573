import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { scriptCommand } from "../src/crash/script-command.ts";
import { installedPostgres, preparePostgres } from "../src/postgres/binaries.ts";
import { isReachable, type SystemUser, unprivilegedUser } from "../src/postgres/system-user.ts";

const isRoot = process.getuid?.() === 0;
const nobody = unprivilegedUser(readFileSync("/etc/passwd", "utf8").replace(/^postgres:.*$/mu, ""));
const checkout = dirname(fileURLToPath(import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "evenkeel-users-"));
  chmodSync(folder, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the installed Postgres as an install without scripts leaves it. */
function bareInstallation(name: string): string {
  const native = join(folder, name, "native");
  cpSync(installedPostgres(), native, { recursive: true, verbatimSymlinks: true });
  const links: { target: string }[] = JSON.parse(
    readFileSync(join(native, "pg-symlinks.json"), "utf8"),
  );
  for (const { target } of links) rmSync(join(native, "..", target), { force: true });
  return native;
}

function runFolder(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
}

function version(program: string, user?: SystemUser): string {
  const identity = user === undefined ? {} : { uid: user.uid, gid: user.gid };
  return spawnSync(program, ["--version"], { ...identity, cwd: "/", encoding: "utf8" }).stdout;
}

/** Runs a fixture as an ordinary user, and returns the last line it printed. */
async function asNobody(script: string, args: readonly string[]): Promise<unknown> {
  const url = new URL(`./fixtures/${script}`, import.meta.url);
  const identity = { uid: nobody?.uid ?? -1, gid: nobody?.gid ?? -1 };
  const { nodeArguments } = await scriptCommand(url, false);
  const { stdout, stderr } = spawnSync(process.execPath, [...nodeArguments, ...args], {
    ...identity,
    cwd: "/",
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

const cannotChangeUser = "only root can try other users: run the tests as root for this one";

describe("an installation without its links", () => {
  test("is repaired in place", async () => {
    const native = bareInstallation("repaired");
    const { postgres, initdb } = await preparePostgres(native, runFolder("unused"), undefined);
    expect(dirname(dirname(postgres))).toBe(native);
    expect(version(postgres)).toContain("PostgreSQL");
    expect(version(initdb)).toContain("PostgreSQL");
  });

  test("is repaired in a copy where it cannot be written to", async (context) => {
    const native = bareInstallation("read-only");
    const library = join(native, "lib");
    chmodSync(library, 0o555);
    context.onTestFinished(() => chmodSync(library, 0o755));
    const place = runFolder("copied");
    if (isRoot && (nobody === undefined || !isReachable(checkout, nobody))) {
      context.skip("no ordinary user can read this checkout, and root may write everywhere");
    }
    if (isRoot) chownSync(place, nobody?.uid ?? -1, nobody?.gid ?? -1);
    const binaries = isRoot
      ? await asNobody("postgres-preparer.ts", [native, place])
      : await preparePostgres(native, place, undefined);
    expect(binaries).toEqual({
      postgres: join(place, "native", "bin", "postgres"),
      initdb: join(place, "native", "bin", "initdb"),
    });
  });
});

describe("root", () => {
  test("runs Postgres from a copy when its user cannot enter the checkout", async (context) => {
    if (!isRoot) context.skip(cannotChangeUser);
    const native = bareInstallation("private");
    chmodSync(dirname(native), 0o700);
    const place = runFolder("open");
    const { postgres } = await preparePostgres(native, place, nobody);
    expect(postgres.startsWith(place)).toBe(true);
    expect(version(postgres, nobody)).toContain("PostgreSQL");
  });
});

describe("an ordinary user", () => {
  test("runs Postgres itself", async (context) => {
    if (!isRoot) context.skip("every other test shows this: they run as an ordinary user here");
    if (nobody === undefined || !isReachable(checkout, nobody)) {
      context.skip("no ordinary user can read this checkout");
    }
    const place = await asNobody("postgres-holder.ts", ["stop"]);
    expect(place).toMatchObject({ uid: nobody?.uid, url: expect.stringContaining("127.0.0.1") });
  });
});

test("Postgres that runs nowhere is a coded error that says why", async () => {
  const native = join(folder, "broken", "native");
  cpSync(join(installedPostgres(), "bin"), join(native, "bin"), { recursive: true });
  const attempt = preparePostgres(native, runFolder("broken-copy"), undefined);
  await expect(attempt).rejects.toMatchObject({
    code: "postgres-binaries-unusable",
    message: expect.stringContaining("shared libraries"),
  });
  expect(existsSync(native)).toBe(true);
});

describe("the user Postgres runs as", () => {
  const root = "root:x:0:0:root:/root:/bin/bash";
  const daemon = "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin";
  const nobodyLine = "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin";
  const postgres = "postgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash";

  test.each([
    ["postgres, if there is one", [root, daemon, nobodyLine, postgres], "postgres"],
    ["nobody, if there is no postgres", [root, daemon, nobodyLine], "nobody"],
    ["any other, if there is neither", [root, daemon], "daemon"],
    ["none, if there is only root", [root, "toor:x:0:0::/root:/bin/sh", "garbage", ""], undefined],
  ])("is %s", (_title, lines, name) => {
    expect(unprivilegedUser(lines.join("\n"))?.name).toBe(name);
  });

  test("can reach a folder only if it may pass every folder above", async (context) => {
    if (!isRoot || nobody === undefined) context.skip(cannotChangeUser);
    const outer = runFolder("outer");
    const inner = join(outer, "inner");
    mkdirSync(inner);
    const user = nobody ?? { name: "", uid: -1, gid: -1 };
    expect(isReachable(inner, user)).toBe(true);
    chmodSync(outer, 0o700);
    expect(isReachable(inner, user)).toBe(false);
    chownSync(outer, user.uid, 0);
    expect(isReachable(inner, user)).toBe(true);
  });
});
