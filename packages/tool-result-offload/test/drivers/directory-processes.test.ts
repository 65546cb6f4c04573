import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import { expect, test } from "vitest";

import { directoryResults } from "../../src/drivers/directory/driver.ts";

const run = promisify(execFile);
test("loses nothing when several processes put and delete the same content", async () => {
  const root = await mkdtemp(join(tmpdir(), "evenkeel-results-"));
  const program = new URL("directory-writer.ts", import.meta.url).pathname;
  const args = ["--conditions=@evenkeel/source", "--import", "tsx", program, root];
  const names = ["a", "b", "c"];
  const running = names.map((name) => run(process.execPath, [...args, name, "100"]));
  while ((await readdir(root)).length < names.length) await sleep(20);
  await writeFile(join(root, "go"), "");
  await Promise.all(running);
  const store = directoryResults(root);
  expect(await store.resultUsage()).toEqual({ results: 3, bytes: 4_500, storedBytes: 1_500 });
  expect(await readdir(join(root, "uploads"))).toEqual([]);
  await store.forget({ scope: "shared" });
  expect((await store.resultUsage()).storedBytes).toBe(0);
  await rm(root, { recursive: true });
});
