/** `npm run bench:load -- [--seconds 120] [--json]`: many runs at once, in one process and in eight, with every package on against bare. */
import { parseArgs } from "node:util";

import { evenkeelPostgres } from "@evenkeel/postgres";

import { type LoadForm, type FormReport, playForm } from "./load/play-form.ts";
import { type LoadReport, failuresIn, renderReport } from "./load/report.ts";
import { startBenchDatabase } from "./overhead/bench-database.ts";
import { benchEnvironment } from "./overhead/environment.ts";
import { startModelEndpoint } from "./overhead/model-endpoint.ts";

const FORMS: readonly LoadForm[] = [
  { title: "100 threads in one process", processes: 1, lanes: 100, poolSize: 20 },
  { title: "8 processes, 4 threads each", processes: 8, lanes: 4, poolSize: 5 },
];
const TOOL_CALLS = 5;
const THINK_MS = 50;
const MOST_FAILURES_SHOWN = 20;

process.env["LANGSMITH_TRACING"] = "false";
process.exitCode = await main(process.argv.slice(2));

/** Returns the exit code: 1 where a run failed, 2 for a wrong command line. */
async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string", default: "120" },
      json: { type: "boolean", default: false },
    },
  });
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 1) {
    console.error(`--seconds must be a whole number of at least 1, not ${values.seconds}.`);
    return 2;
  }
  const report = await measure(seconds);
  console.log(values.json ? JSON.stringify(report, undefined, 2) : renderReport(report));
  const failures = failuresIn(report);
  for (const failure of failures.slice(0, MOST_FAILURES_SHOWN)) console.error(failure);
  return failures.length === 0 ? 0 : 1;
}

async function measure(seconds: number): Promise<LoadReport> {
  const [database, endpoint] = await Promise.all([startBenchDatabase(), startModelEndpoint()]);
  const task = { toolCalls: TOOL_CALLS, thinkMs: THINK_MS };
  try {
    await evenkeelPostgres(database.pool).setup();
    const say = (text: string): void => console.error(`... ${text}`);
    const forms: FormReport[] = [];
    for (const form of FORMS) {
      forms.push(await playForm({ database, model: endpoint.url, ...task, say }, form, seconds));
    }
    return { environment: benchEnvironment(database.description), ...task, forms };
  } finally {
    await Promise.all([database.stop(), endpoint.stop()]);
  }
}
