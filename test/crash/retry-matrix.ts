/**
 * The whole crash matrix of failure-retry: an execution of three attempts, killed at every passing
 * of every point, on three kinds of graphs and a real Postgres.
 *
 * Usage: retry-matrix.ts [--resume <file>] [--only <text>]
 */
import { parseArgs } from "node:util";

import { crashMatrix, freshDatabase, startOpenAIEndpoint } from "@evenkeel/testing";
import type { MatrixCase } from "@evenkeel/testing";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";

import {
  createLog,
  faultsOf,
  runWhole,
  script,
  titleOf,
} from "../../packages/failure-retry/test/support/retry-case.ts";
import type { RetryCase } from "../../packages/failure-retry/test/support/retry-case.ts";
import { KINDS } from "../../packages/failure-retry/test/support/retry-job.ts";

const { values } = parseArgs({ options: { resume: { type: "string" }, only: { type: "string" } } });
const endpoint = await startOpenAIEndpoint({ script });
const database = await freshDatabase();
const world = { endpoint, database };
await new PostgresSaver(database.pool, undefined, { schema: database.schema ?? "public" }).setup();
await createLog(database);

const all: RetryCase[] = [];
for (const kind of KINDS) {
  const { points, attempt, text } = await runWhole(kind, world);
  console.log(`${kind}, not killed: attempt ${attempt}, "${text}", ${JSON.stringify(points)}`);
  for (const [at, passed] of Object.entries(points)) {
    for (let hit = 1; hit <= passed; hit += 1) all.push({ kind, at, hit });
  }
}
const chosen = all.filter((one) => titleOf(one).includes(values.only ?? ""));
const cases = chosen.map((one): MatrixCase<boolean> => ({
  name: titleOf(one),
  run: async () => {
    const faults = await faultsOf(one, world);
    if (faults.length > 0) throw new Error(faults.join("; "));
    return true;
  },
}));
let done = 0;
const report = await crashMatrix(cases, {
  ...(values.resume === undefined ? {} : { resumeFile: values.resume }),
  onResult: (result) => {
    done += 1;
    const why = result.passed ? "" : ` ${String(result.error)}`;
    console.log(`${done}/${cases.length} ${result.passed ? "ok  " : "FAIL"} ${result.name}${why}`);
  },
});
console.log(
  `${report.passed} of ${cases.length} kills passed in ${Math.round(report.durationMs / 1000)} s.`,
);
await endpoint.close();
await database.drop();
process.exitCode = report.failed === 0 ? 0 : 1;
