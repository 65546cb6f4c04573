import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { examplesFolder } from "../support/example.ts";
import { root } from "../support/source-examples.ts";
import { copyStarter, npm } from "../support/starter-copy.ts";
import { packTarballs } from "../support/tarballs.ts";

// langgraph-server is installed past its peers, as its .npmrc says: test/server does that.
const ELSEWHERE = ["langgraph-server"];
/** Packages of which two copies in one program are two different things. */
const ALONE = ["node_modules/@langchain/core", "node_modules/@langchain/langgraph"];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "evenkeel-starters-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

// The repository pins what starters must pin for themselves. `npm run test:starters` installs each alone and
// starts it; here npm only says whether it could, once for all of them.
test("outside the repository npm finds what the starters need", { timeout: 180_000 }, async () => {
  const tarballs = await packTarballs(await readdir(join(root, "packages")), folder);
  const names = (await readdir(examplesFolder)).filter((name) => !ELSEWHERE.includes(name));
  for (const name of names) await copyStarter(name, folder, tarballs);
  const manifest = { private: true, workspaces: names, overrides: tarballs };
  await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
  await npm(folder, "install", "--package-lock-only", "--ignore-scripts", "--no-audit");
  const lock = JSON.parse(await readFile(join(folder, "package-lock.json"), "utf8")) as {
    packages: Record<string, unknown>;
  };
  const installed = Object.keys(lock.packages);
  for (const one of ALONE) {
    expect(installed.filter((path) => path.endsWith(one))).toEqual([one]);
  }
});
