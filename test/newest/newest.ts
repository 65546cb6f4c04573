/**
 * `npm run test:newest -- [--only path,path] [--set name=version,…]`: the unit tests on the releases
 * of LangGraph and LangChain that `npm install` gives a user today, in a copy of this repository.
 */
import { execFileSync, spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { root } from "../support/source-examples.ts";

/** What is moved; other pinned dependencies stay as they are. */
const MOVED = [
  "@langchain/core",
  "@langchain/langgraph",
  "@langchain/langgraph-checkpoint",
  "@langchain/langgraph-checkpoint-postgres",
  "@langchain/langgraph-sdk",
  "@langchain/openai",
  "langchain",
];

const LOCK = "package-lock.json";

const { values } = parseArgs({
  options: { only: { type: "string", default: "packages" }, set: { type: "string", default: "" } },
});
const set = new Map(values.set.split(",").flatMap((entry) => pairOf(entry)));
const folder = await mkdtemp(join(tmpdir(), "evenkeel-newest-"));
try {
  const versions = new Map(MOVED.map((name) => [name, set.get(name) ?? newest(name)]));
  for (const [name, version] of versions) console.log(`${name} ${version}`);
  await copyInto(folder, versions);
  await run("npm", ["install", "--no-audit", "--no-fund", "--loglevel", "error"]);
  // Not types: two langsmith, ours pinned for deepagents and core's own, are two kinds of RunTree.
  await run("npx", ["vitest", "run", "--typecheck.enabled=false", ...values.only.split(",")]);
} catch (error) {
  process.exitCode = 1;
  console.error(error instanceof Error ? error.message : String(error));
} finally {
  await rm(folder, { recursive: true, force: true });
}

function pairOf(entry: string): [string, string][] {
  const at = entry.lastIndexOf("=");
  return at < 1 ? [] : [[entry.slice(0, at), entry.slice(at + 1)]];
}

function newest(name: string): string {
  return execFileSync("npm", ["view", name, "version"], { encoding: "utf8" }).trim();
}

/**
 * Everything git knows, with the moved dependencies pinned anew wherever a manifest pins one; without
 * the lockfile, which would keep a second, older LangGraph for LangChain.
 */
async function copyInto(target: string, versions: ReadonlyMap<string, string>): Promise<void> {
  const listed = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" });
  for (const file of listed.split("\0").filter((name) => name !== "" && name !== LOCK)) {
    await cp(join(root, file), join(target, file));
    if (file.endsWith("package.json")) await pin(join(target, file), versions);
  }
}

async function pin(file: string, versions: ReadonlyMap<string, string>): Promise<void> {
  const manifest = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
  for (const kind of ["dependencies", "devDependencies"]) {
    const wanted = manifest[kind] as Record<string, string> | undefined;
    for (const name of Object.keys(wanted ?? {})) {
      const version = versions.get(name);
      // Ranges are what a package promises its users, and stay.
      if (version !== undefined && /^\d/.test(wanted?.[name] ?? "")) {
        (wanted as Record<string, string>)[name] = version;
      }
    }
  }
  await writeFile(file, `${JSON.stringify(manifest, undefined, 2)}\n`);
}

function run(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: folder, stdio: "inherit" });
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args.join(" ")} ended with ${code}`));
    });
  });
}
