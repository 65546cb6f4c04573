import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { crash, run } from "../src/crash/crash.ts";
import { identifyProcess, processState } from "../src/postgres/process-identity.ts";

const fixture = (name: string): URL => new URL(`./fixtures/${name}`, import.meta.url);
const crashing = fixture("crashing.ts");
const misbehaving = fixture("misbehaving.ts");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "evenkeel-crash-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const linesOf = (file: string): string[] => readFileSync(file, "utf8").trim().split("\n");

async function untilGone(pid: number): Promise<void> {
  const identity = identifyProcess(pid);
  while (processState(identity) === "alive") await delay(20);
}

describe("a crash at a point", () => {
  test.each([false, true])("lets nothing after it happen (bundle: %s)", async (bundle) => {
    const file = join(folder, `first-${bundle}`);
    const died = await crash({ script: crashing, args: [file], at: "item:after-effect", bundle });
    expect(died).toMatchObject({ crashed: true, at: "item:after-effect#1", stderr: "" });
    expect(died.stdout).toBe("working on a\n");
    expect(linesOf(file)).toEqual(["before a"]);
  });

  test("can be the second time the point is reached", async () => {
    const file = join(folder, "second");
    const died = await crash({ script: crashing, args: [file], at: "item:after-effect", hit: 2 });
    expect(died.at).toBe("item:after-effect#2");
    expect(linesOf(file)).toEqual(["before a", "after a", "finally a", "before b"]);
  });

  test("is a coded error, with the output, when the point is not reached often enough", async () => {
    const file = join(folder, "unreached");
    const attempt = crash({ script: crashing, args: [file], at: "item:after-effect", hit: 4 });
    await expect(attempt).rejects.toMatchObject({
      code: "crash-point-not-reached",
      message: expect.stringContaining("working on c"),
      details: { code: 0, signal: null },
    });
    expect(linesOf(file).slice(-2)).toEqual(["later", "exit handler"]);
  });

  test("refuses a hit that can never be", async () => {
    const attempt = crash({ script: crashing, at: "x", hit: 0 });
    await expect(attempt).rejects.toMatchObject({ code: "invalid-option" });
  });
});

describe("a crash by the parent", () => {
  test("comes when a line of the output says so", async () => {
    const died = await crash({
      script: misbehaving,
      args: ["pid"],
      killWhen: (line) => /^\d+$/u.test(line),
    });
    expect(died.at).toBe(died.stdout.trim());
    expect(processState(identifyProcess(Number(died.at)))).toBe("gone");
  });

  test("is a coded error when the child ends without that line", async () => {
    const attempt = crash({ script: misbehaving, args: ["no-result"], killWhen: () => true });
    await expect(attempt).rejects.toMatchObject({ code: "crash-point-not-reached" });
  });
});

describe("a child that ends otherwise", () => {
  test("by an error is a coded error with both outputs", async () => {
    const attempt = crash({ script: misbehaving, args: ["throw"], at: "never" });
    await expect(attempt).rejects.toMatchObject({
      code: "child-failed",
      details: { stdout: "about to throw\n", stderr: expect.stringContaining("it broke") },
    });
  });

  test("by a SIGKILL that is not ours has failed, not crashed", async () => {
    const attempt = crash({ script: misbehaving, args: ["killed-by-another"], at: "never" });
    await expect(attempt).rejects.toMatchObject({
      code: "child-failed",
      details: { signal: "SIGKILL" },
    });
  });

  test("not at all is killed when its time is over", async () => {
    const attempt = run({ script: misbehaving, args: ["hang"], timeoutMs: 1_500 });
    await expect(attempt).rejects.toMatchObject({ code: "child-timed-out" });
  });

  test("because there is no such script or directory is a coded error", async () => {
    const attempt = run({ script: fixture("absent.ts") });
    await expect(attempt).rejects.toMatchObject({ code: "script-not-found" });
    const nowhere = run({ script: misbehaving, cwd: join(folder, "absent") });
    await expect(nowhere).rejects.toMatchObject({ code: "child-failed" });
  });
});

describe("a run to the end", () => {
  test.each([false, true])("returns what the script reported (bundle: %s)", async (bundle) => {
    const args = [join(folder, `run-${bundle}`), "x", "y z"];
    const { result } = await run({ script: crashing, args, bundle });
    expect(result).toEqual({ reached: 3, args: ["x", "y z"] });
  });

  test("returns a result larger than a pipe holds, though the script exits at once", async () => {
    const { result } = await run<string>({ script: misbehaving, args: ["large-result"] });
    expect(result).toHaveLength(4_000_000);
  });

  test("has no result when the script reports none", async () => {
    const { result } = await run({ script: misbehaving, args: ["no-result"] });
    expect(result).toBeUndefined();
  });

  test("takes plain JavaScript", async () => {
    const { stdout } = await run({ script: fixture("plain.js") });
    expect(stdout).toBe("plain JavaScript\n");
  });

  test("takes no report, and counts no crash point, of a grandchild as the child's own", async () => {
    const env = { EVENKEEL_CRASH_AT: "after-result" };
    const attempt = run({ script: misbehaving, args: ["grandchild"], env });
    await expect(attempt).resolves.toMatchObject({ result: { code: 0, signal: null } });
  });
});

describe("the end of the parent", () => {
  test.each(["exit", "killed"])("ends the child too (%s)", async (how) => {
    let pid = 0;
    const killWhen = (line: string): boolean => {
      pid = Number(line);
      return how === "killed";
    };
    const attempt = crash({ script: fixture("parent.ts"), args: [how], killWhen });
    await attempt.catch(() => {});
    expect(pid).toBeGreaterThan(0);
    await untilGone(pid);
  });
});
