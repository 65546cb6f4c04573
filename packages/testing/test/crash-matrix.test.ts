import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { crashMatrix, type MatrixCase } from "../src/crash/crash-matrix.ts";

let folder: string;
let resumeFile: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "evenkeel-matrix-"));
  resumeFile = join(folder, "results", "cases.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Cases that note when they run; those whose name contains `bad` fail while `broken` says so. */
function recorded(names: readonly string[]): {
  cases: MatrixCase<{ of: string }>[];
  ran: string[];
  repair: () => void;
} {
  const ran: string[] = [];
  let broken = true;
  const cases = names.map((name) => ({
    name,
    run: async () => {
      ran.push(name);
      await turn();
      if (broken && name.includes("bad")) throw new Error(`${name} failed`);
      return { of: name };
    },
  }));
  return { cases, ran, repair: () => (broken = false) };
}

describe("crashMatrix", () => {
  test("returns every result in the order of the cases, though one fails", async () => {
    const { cases } = recorded(["a", "bad", "c"]);
    const seen: string[] = [];
    const matrix = await crashMatrix(cases, { onResult: (result) => seen.push(result.name) });
    expect(matrix).toMatchObject({
      passed: 2,
      failed: 1,
      resumed: 0,
      results: [
        { name: "a", passed: true, result: { of: "a" } },
        { name: "bad", passed: false, error: new Error("bad failed") },
        { name: "c", passed: true, result: { of: "c" } },
      ],
    });
    expect(seen.toSorted()).toEqual(["a", "bad", "c"]);
  });

  test.each([1, 3])("runs %i at a time", async (concurrency) => {
    let running = 0;
    let most = 0;
    const cases = ["a", "b", "c", "d", "e"].map((name) => ({
      name,
      run: async () => {
        most = Math.max(most, (running += 1));
        await turn();
        running -= 1;
      },
    }));
    await crashMatrix(cases, { concurrency });
    expect(most).toBe(concurrency);
  });

  test("runs again only what has not passed before", async () => {
    const first = recorded(["a", "bad", "c"]);
    await crashMatrix(first.cases, { resumeFile });
    const second = recorded(["a", "bad", "c", "d"]);
    second.repair();
    const matrix = await crashMatrix(second.cases, { resumeFile });
    expect(second.ran.toSorted()).toEqual(["bad", "d"]);
    expect(matrix).toMatchObject({ passed: 4, failed: 0, resumed: 2 });
    expect(matrix.results[0]).toMatchObject({ name: "a", resumed: true, result: { of: "a" } });
  });

  test("writes each case down as it finishes, failures with their message", async () => {
    const { cases } = recorded(["a", "bad"]);
    await crashMatrix(cases, { resumeFile, concurrency: 1 });
    const lines = readFileSync(resumeFile, "utf8").trim().split("\n");
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
      { key: "", name: "a", passed: true, result: { of: "a" } },
      { key: "", name: "bad", passed: false, error: "Error: bad failed" },
    ]);
  });

  test("runs a case again whose line a kill cut short", async () => {
    const first = recorded(["a"]);
    await crashMatrix(first.cases, { resumeFile });
    appendFileSync(resumeFile, '{"key":"","name":"b","passed":true,"res');
    const second = recorded(["a", "b"]);
    await crashMatrix(second.cases, { resumeFile });
    expect(second.ran).toEqual(["b"]);
    const third = recorded(["a", "b"]);
    await crashMatrix(third.cases, { resumeFile });
    expect(third.ran).toEqual([]);
  });

  test("takes over nothing of another key", async () => {
    await crashMatrix(recorded(["a"]).cases, { resumeFile, resumeKey: "commit 1" });
    const second = recorded(["a"]);
    await crashMatrix(second.cases, { resumeFile, resumeKey: "commit 2" });
    expect(second.ran).toEqual(["a"]);
  });

  test("refuses two cases of one name, no case, and a concurrency that is none", async () => {
    const twice = crashMatrix(recorded(["a", "a"]).cases);
    await expect(twice).rejects.toMatchObject({ code: "duplicate-case" });
    const none = crashMatrix(recorded(["a"]).cases, { concurrency: 0 });
    await expect(none).rejects.toMatchObject({ code: "invalid-option" });
    await expect(crashMatrix([])).rejects.toMatchObject({ code: "invalid-option" });
  });

  test("refuses a resume file it cannot read", async () => {
    const attempt = crashMatrix(recorded(["a"]).cases, { resumeFile: folder });
    await expect(attempt).rejects.toMatchObject({ code: "resume-file-unreadable" });
  });
});
