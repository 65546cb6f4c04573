/** `npm run bench`: takes the benches, keeps each result as soon as it is there, and writes the page of them all. */
import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { BENCHES } from "./report/benches.ts";
import { type PageOptions, USAGE, readOptions } from "./report/options.ts";
import { renderPage } from "./report/page.ts";
import { takeBench } from "./report/take-bench.ts";
import { type TakenBench, keepTaken, readTaken } from "./report/taken-bench.ts";

process.exitCode = await main(process.argv.slice(2));

/** Returns the exit code: 1 where a bench failed or an exact count is off, 2 for a wrong command line. */
async function main(args: readonly string[]): Promise<number> {
  let options: PageOptions;
  try {
    options = readOptions(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 2;
  }
  const kept = join(options.folder, "benchmarks");
  await mkdir(kept, { recursive: true });
  const failed = await takeAll(options, kept);
  await writePage(options.folder, kept);
  console.log(`Written: ${join(options.folder, "benchmarks.md")}`);
  for (const failure of failed) console.error(`FAILED  ${failure}`);
  return failed.length === 0 ? 0 : 1;
}

async function takeAll({ take, ...options }: PageOptions, kept: string): Promise<string[]> {
  const failed: string[] = [];
  for (const [index, bench] of take.entries()) {
    const place = `bench:${bench.id} (${index + 1} of ${take.length})`;
    if (bench.corpus === "needed" && options.corpus === undefined) {
      console.error(`=== ${place} is skipped: it needs recorded runs, --corpus DIR.`);
      continue;
    }
    console.error(`=== ${place}, ${new Date().toISOString().slice(11, 19)} UTC`);
    try {
      const taken = await takeBench(bench, options);
      await keepTaken(kept, taken);
      if (taken.exitCode !== 0) failed.push(`bench:${bench.id} ended with ${taken.exitCode}`);
      // After each one: whoever stops it half-way has a page of what there is.
      await writePage(options.folder, kept);
      console.error(`=== bench:${bench.id} took ${taken.seconds} s`);
    } catch (error) {
      failed.push(error instanceof Error ? error.message : String(error));
    }
  }
  return failed;
}

async function writePage(folder: string, kept: string): Promise<void> {
  const taken = new Map<string, TakenBench>();
  for (const { id } of BENCHES) {
    const result = await readTaken(kept, id);
    if (result !== undefined) taken.set(id, result);
  }
  const { markdown, plots } = renderPage(BENCHES, taken);
  for (const { name, svg } of plots) await writeFile(join(kept, `${name}.svg`), svg);
  const file = join(folder, "benchmarks.md");
  await writeFile(file, markdown);
  // As every page of the repository is.
  execFileSync("npx", ["oxfmt", file, kept], { stdio: ["ignore", "ignore", "inherit"] });
}
