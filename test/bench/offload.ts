/** `npm run bench:offload`: what offloading keeps out, gives back, and costs, beside deepagents' own. */
import { measureCheckpoints } from "./offload/checkpoint-bytes.ts";
import { measureCosts } from "./offload/costs.ts";
import { measureKeptOut } from "./offload/kept-out.ts";
import { measureMemory } from "./offload/memory.ts";
import { USAGE, readOptions } from "./offload/options.ts";
import type { BenchOptions } from "./offload/options.ts";
import { measureReads } from "./offload/reads.ts";
import { renderReport } from "./offload/report.ts";
import type { OffloadReport } from "./offload/report.ts";
import { generatedResults, recordedResults } from "./offload/result-corpus.ts";
import { startBenchDatabase } from "./overhead/bench-database.ts";
import { benchEnvironment } from "./overhead/environment.ts";

process.env["LANGSMITH_TRACING"] = "false";
process.exitCode = await main(process.argv.slice(2));

/** Returns the exit code: 1 where a result did not come back as it was, 2 for a wrong command line. */
async function main(args: readonly string[]): Promise<number> {
  let options: BenchOptions;
  try {
    options = readOptions(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 2;
  }
  const report = await measure(options);
  console.log(options.json ? JSON.stringify(report, undefined, 2) : renderReport(report));
  return report.keptOut.every(({ offloaded, exact }) => offloaded === exact) ? 0 : 1;
}

async function measure({ corpus, quick }: BenchOptions): Promise<OffloadReport> {
  const say = (step: string): void => console.error(`... ${step}`);
  const corpora = [{ name: "generated", results: generatedResults(quick ? 40 : 200) }];
  if (corpus !== undefined)
    corpora.push({ name: "recorded", results: await recordedResults(corpus) });
  const database = await startBenchDatabase();
  try {
    const keptOut = [];
    for (const { name, results } of corpora) {
      for (const kib of quick ? [8] : [2, 8, 40]) {
        say(`${name} results at ${kib} KiB, each read back`);
        keptOut.push({ corpus: name, ...(await measureKeptOut(results, kib)) });
      }
    }
    return {
      environment: benchEnvironment(database.description),
      keptOut,
      checkpoints: await measureCheckpoints(database, {
        rounds: quick ? [5] : [50, 100, 200],
        say,
      }),
      reads: await measureReads(database, { megabytes: quick ? 5 : 100, say }),
      costs: await measureCosts(database, { pairs: quick ? 4 : 60, say }),
      memory: await measureMemory(database, { megabytes: quick ? 20 : 200, say }),
    };
  } finally {
    await database.stop();
  }
}
