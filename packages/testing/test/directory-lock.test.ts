import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { lockDirectory } from "../src/postgres/directory-lock.ts";
import { identifyProcess } from "../src/postgres/process-identity.ts";

let folder: string;
let directory: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "evenkeel-lock-"));
  directory = join(folder, "data");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const leaveLock = (holder: unknown, name = "data.lock"): void =>
  writeFileSync(join(folder, name), typeof holder === "string" ? holder : JSON.stringify(holder));
const dead = { ...identifyProcess(), startedAt: "another start of the same process id" };

describe("a locked directory", () => {
  test("is refused until it is released, under whatever path", async () => {
    const lock = await lockDirectory(directory);
    const detour = join(folder, "detour");
    symlinkSync(directory, detour);
    for (const path of [directory, detour, join(folder, ".", "data")]) {
      await expect(lockDirectory(path)).rejects.toMatchObject({
        code: "directory-locked",
        message: expect.stringContaining(String(process.pid)),
      });
    }
    lock.release();
    const next = await lockDirectory(detour);
    next.release();
    expect(readdirSync(folder).toSorted()).toEqual(["data", "detour"]);
  });

  test("is refused when its holder lives where we cannot look", async () => {
    leaveLock({ ...dead, machine: "another container" });
    await expect(lockDirectory(directory)).rejects.toMatchObject({ code: "directory-locked" });
  });

  test.each([
    ["dead", dead],
    ["unreadable", "{"],
    ["of another form", { pid: 0 }],
  ])("passes on when its holder is %s", async (_title, holder) => {
    leaveLock(holder);
    const lock = await lockDirectory(directory);
    await expect(lockDirectory(directory)).rejects.toMatchObject({ code: "directory-locked" });
    lock.release();
  });

  test("passes on when somebody died in the middle of taking it over", async () => {
    leaveLock(dead);
    leaveLock(dead, "data.lock.takeover");
    const lock = await lockDirectory(directory);
    lock.release();
    expect(readdirSync(folder)).toEqual(["data"]);
  });

  test("goes to one of many that find its holder dead", async () => {
    leaveLock(dead);
    const attempts = Array.from({ length: 20 }, () => lockDirectory(directory));
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(1);
  });
});
