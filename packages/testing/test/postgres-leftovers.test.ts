import { type ChildProcess, spawn } from "node:child_process";
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { crash, run } from "../src/crash/crash.ts";
import { sweepRunFolders, writeOwners } from "../src/postgres/folder.ts";
import { lockHolder } from "../src/postgres/orphan.ts";
import {
  identifyProcess,
  type ProcessIdentity,
  processState,
} from "../src/postgres/process-identity.ts";
import { startPostgres } from "../src/postgres/server.ts";

const holder = new URL("./fixtures/postgres-holder.ts", import.meta.url);

function folderIn(line: string): string {
  const place: { folder: string } = JSON.parse(line);
  return place.folder;
}

function ownersOf(folder: string): ProcessIdentity[] {
  return JSON.parse(readFileSync(join(folder, "owners.json"), "utf8"));
}

const patience = { interval: 20, timeout: 20_000 };

describe("a run", () => {
  test.each(["leave", "stop"])("that ends (%s) leaves no server behind", async (how) => {
    const { stdout } = await run({ script: holder, args: [how] });
    expect(folderIn(stdout)).toContain("evenkeel-postgres-");
    await expect.poll(() => existsSync(folderIn(stdout)), patience).toBe(false);
  });

  test("that is killed takes its server along", async () => {
    const { at } = await crash({ script: holder, args: ["stay"], killWhen: () => true });
    await expect.poll(() => existsSync(folderIn(at)), patience).toBe(false);
  });

  test("that is killed together with its supervisor is cleared away by the next", async () => {
    const { at } = await crash({
      script: holder,
      args: ["stay"],
      killWhen: (line) => {
        const [, supervisor] = ownersOf(folderIn(line));
        return supervisor !== undefined && process.kill(supervisor.pid, "SIGKILL");
      },
    });
    const folder = folderIn(at);
    const postgres = identifyProcess((await lockHolder(join(folder, "data"))) ?? 0);
    expect(processState(postgres)).toBe("alive");

    const next = await startPostgres({ databaseUrl: "" });
    expect(processState(postgres)).toBe("gone");
    expect(existsSync(folder)).toBe(false);
    await next.stop();
  });
});

describe("clearing away what dead runs left", () => {
  let base: string;
  let bystander: ChildProcess;
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), "evenkeel-sweep-"));
    bystander = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  });
  afterEach(() => {
    bystander.kill("SIGKILL");
    rmSync(base, { recursive: true, force: true });
  });

  function leftover(owners: readonly Partial<ProcessIdentity>[] | undefined): string {
    const folder = join(base, `evenkeel-postgres-${Math.random().toString(36).slice(2)}`);
    mkdirSync(join(folder, "data"), { recursive: true });
    const identities = owners?.map((owner) => ({ ...identifyProcess(), ...owner }));
    if (identities !== undefined) {
      writeFileSync(join(folder, "owners.json"), JSON.stringify(identities));
    }
    return folder;
  }
  const dead = { startedAt: "another start of the same process id" };

  test("does not touch a stranger who has the process id in the lock by now", async () => {
    const folder = leftover([dead]);
    writeFileSync(join(folder, "data", "postmaster.pid"), `${bystander.pid}\n${folder}/data\n`);
    expect(await sweepRunFolders(base)).toEqual([folder]);
    expect(existsSync(folder)).toBe(false);
    expect(processState(identifyProcess(bystander.pid))).toBe("alive");
  });

  test("leaves what has an owner that lives, or that lives elsewhere", async () => {
    const living = leftover([dead]);
    writeOwners(living, [process.pid]);
    const oneLives = leftover([dead, {}]);
    const elsewhere = leftover([{ ...dead, machine: "another container" }]);
    expect(await sweepRunFolders(base)).toEqual([]);
    expect([living, oneLives, elsewhere].every((folder) => existsSync(folder))).toBe(true);
  });

  test("leaves a folder that has no owners yet, and takes one that never got any", async () => {
    const young = leftover(undefined);
    const old = leftover(undefined);
    const anHourAgo = new Date(Date.now() - 3_600_000);
    utimesSync(old, anHourAgo, anHourAgo);
    expect(await sweepRunFolders(base)).toEqual([old]);
    expect(existsSync(young)).toBe(true);
  });

  test("follows no link that somebody planted under such a name", async () => {
    const target = join(base, "precious");
    mkdirSync(target);
    writeFileSync(join(target, "owners.json"), JSON.stringify([{ ...identifyProcess(), ...dead }]));
    symlinkSync(target, join(base, "evenkeel-postgres-planted"));
    expect(await sweepRunFolders(base)).toEqual([]);
    expect(existsSync(join(target, "owners.json"))).toBe(true);
  });

  test("leaves the folders of other users", async (context) => {
    if (process.getuid?.() !== 0) context.skip("only root can give a folder to another user");
    const folder = leftover([dead]);
    chownSync(folder, 1, 1);
    expect(await sweepRunFolders(base)).toEqual([]);
  });
});
