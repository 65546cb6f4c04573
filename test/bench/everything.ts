/** `npm run bench:everything`: every package on, against the bare graph. */
import { evenkeelPostgres } from "@evenkeel/postgres";

import { compareEverything } from "./everything/compare.ts";
import { type EverythingOptions, USAGE, readOptions } from "./everything/options.ts";
import { type EverythingReport, renderReport, sameSteps } from "./everything/report.ts";
import { measureStepCost } from "./everything/step-cost.ts";
import { startBenchWorld } from "./overhead/bench-world.ts";
import { benchEnvironment } from "./overhead/environment.ts";

process.env["LANGSMITH_TRACING"] = "false";
process.exitCode = await main(process.argv.slice(2));

/** Returns the exit code: 1 where supersteps or checkpoints are not the bare graph's, 2 for a wrong command line. */
async function main(args: readonly string[]): Promise<number> {
  let options: EverythingOptions;
  try {
    options = readOptions(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 2;
  }
  const report = await measure(options);
  console.log(options.json ? JSON.stringify(report, undefined, 2) : renderReport(report));
  return sameSteps(report.rows) ? 0 : 1;
}

async function measure(options: EverythingOptions): Promise<EverythingReport> {
  const say = (text: string): void => console.error(`... ${text}`);
  const world = await startBenchWorld();
  try {
    const store = evenkeelPostgres(world.database.pool);
    await store.setup();
    const rows = await compareEverything(world, store, options, say);
    const { steps: places, stepRuns: runs } = options;
    if (places.length > 0) say(`one run of ${Math.max(...places)} supersteps, ${2 * runs} times`);
    const steps =
      places.length === 0 ? [] : await measureStepCost(world, store, { steps: places, runs });
    const driftMs = (steps.at(-1)?.addedMs ?? 0) - (steps[0]?.addedMs ?? 0);
    return { environment: benchEnvironment(world.database.description), rows, steps, driftMs };
  } finally {
    await world.stop();
  }
}
