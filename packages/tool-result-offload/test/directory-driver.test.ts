import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import { expect, test } from "vitest";

import { createResultStore } from "../src/create-result-store.ts";
import { directoryResults } from "../src/directory-driver.ts";
import { testResultStore } from "./result-store-suite.ts";

const run = promisify(execFile);
const newRoot = (): Promise<string> => mkdtemp(join(tmpdir(), "evenkeel-results-"));

testResultStore("a directory", async () => {
  const root = await newRoot();
  return {
    driver: directoryResults(root),
    reopen: () => directoryResults(root),
    leavesOrphans: true,
    mostCopies: 1,
    close: () => rm(root, { recursive: true, force: true }),
  };
});

test("loses nothing when several processes put and delete the same content", async () => {
  const root = await newRoot();
  const program = new URL("directory-writer.ts", import.meta.url).pathname;
  const args = ["--conditions=@evenkeel/source", "--import", "tsx", program, root];
  const names = ["a", "b", "c"];
  const running = names.map((name) => run(process.execPath, [...args, name, "300"]));
  while ((await readdir(root)).length < names.length) await sleep(20);
  await writeFile(join(root, "go"), "");
  await Promise.all(running);
  const store = createResultStore(directoryResults(root));
  expect(await store.usage()).toEqual({ results: 3, bytes: 4_500, storedBytes: 1_500 });
  expect(await readdir(join(root, "uploads"))).toEqual([]);
  await store.forget({ scope: "shared" });
  expect((await store.usage()).storedBytes).toBe(0);
  await rm(root, { recursive: true });
});
