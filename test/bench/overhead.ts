/** `npm run bench:overhead`: what middleware costs a run, against the bare graph and against others. */
import { type Aim, type BenchResult, judge } from "./overhead/aims.ts";
import { type BenchOptions, USAGE, readOptions } from "./overhead/bench-options.ts";
import { startBenchWorld } from "./overhead/bench-world.ts";
import { type BenchCase, benchCases, findFreeze } from "./overhead/cases.ts";
import { measureConstruction } from "./overhead/construction.ts";
import { benchEnvironment } from "./overhead/environment.ts";
import { measureGuardBySteps } from "./overhead/guard-by-step.ts";
import { measureRows } from "./overhead/measure-rows.ts";
import { renderJson, renderReport } from "./overhead/report.ts";

// A trace would be sent for each run, and its cost is not what is measured.
for (const name of ["LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2"]) {
  process.env[name] = "false";
}
process.exitCode = await main(process.argv.slice(2));

/** Returns the exit code: 1 where an exact count is off, 2 for a command line that says nothing. */
async function main(args: readonly string[]): Promise<number> {
  const freeze = await findFreeze();
  const all = benchCases(freeze);
  let options: BenchOptions;
  try {
    options = readOptions(
      args,
      all.map(({ id }) => id),
    );
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 2;
  }
  const notes =
    freeze === undefined
      ? ["config-freeze is not in this checkout yet: its rows are left out"]
      : [];
  const cases = all.filter(({ id }) => options.rows.length === 0 || options.rows.includes(id));
  const aims = await benchAndReport(cases, options, notes);
  return aims.some(({ exact, held }) => exact && !held) ? 1 : 0;
}

async function benchAndReport(
  cases: readonly BenchCase[],
  options: BenchOptions,
  notes: readonly string[],
): Promise<readonly Aim[]> {
  const progress = (text: string): void => console.error(`... ${text}`);
  const world = await startBenchWorld();
  try {
    const rows = await measureRows(world, cases, options, progress);
    const long = options.quick ? undefined : cases.find(({ id }) => id === "stategraph-6");
    if (long !== undefined) progress(`${long.title}, 500 steps`);
    const steps = long === undefined ? [] : await measureGuardBySteps(world, long);
    const construction = measureConstruction(world.database);
    const result: BenchResult = { rows, steps, construction };
    const aims = judge(result);
    const environment = benchEnvironment(world.database.description);
    const report = { ...result, aims, notes, environment };
    console.log(options.json ? renderJson(report) : renderReport(report));
    return aims;
  } finally {
    await world.stop();
  }
}
