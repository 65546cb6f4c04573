import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { crash } from "../src/crash/crash.ts";
import { pgliteDatabase } from "../src/postgres/pglite-database.ts";

const holder = new URL("./fixtures/pglite-holder.ts", import.meta.url);

let folder: string;
let directory: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "evenkeel-pglite-"));
  directory = join(folder, "data");
  await crash({ script: holder, args: [directory], killWhen: (line) => line === "holding" });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("PGlite in a directory whose process was killed", () => {
  test("opens in the next with what was committed, and is refused to a second", async () => {
    const { pool, stop } = await pgliteDatabase({ directory });
    expect((await pool.query("SELECT value FROM kept")).rows).toEqual([{ value: 7 }]);
    const second = crash({ script: holder, args: [directory], at: "never" });
    await expect(second).rejects.toMatchObject({
      code: "child-failed",
      details: { stderr: expect.stringContaining("directory-locked") },
    });
    await stop();
    await stop();
  });

  test("has one connection: a second one at the same time is an error, not a hang", async () => {
    const { pool, stop } = await pgliteDatabase({ directory, connectionTimeoutMs: 100 });
    const held = await pool.connect();
    await expect(pool.query("SELECT 1")).rejects.toThrow(/timeout/u);
    held.release();
    expect((await pool.query("SELECT value FROM kept")).rows).toEqual([{ value: 7 }]);
    await pool.connect();
    await stop();
  });
});
