/**
 * The whole crash matrix of limits: every shape × every cut × both durabilities, each in processes
 * of its own on a real Postgres, killed until the budget is used up.
 *
 * Usage: limits-matrix.ts [--resume <file>] [--only <text>]
 */
import { parseArgs } from "node:util";

import { crashMatrix } from "@evenkeel/testing";
import type { MatrixCase } from "@evenkeel/testing";

import { openWorld, runCrashCase } from "../../packages/limits/test/support/limits-case.ts";
import { faultsOf, matrixCases, titleOf } from "../../packages/limits/test/support/limits-cases.ts";

const { values } = parseArgs({ options: { resume: { type: "string" }, only: { type: "string" } } });
const all = matrixCases().filter((one) => titleOf(one).includes(values.only ?? ""));
const world = await openWorld();
let lost = 0;
const cases = all.map((one): MatrixCase<number> => ({
  name: titleOf(one),
  run: async () => {
    const outcome = await runCrashCase(one, world);
    const faults = faultsOf(one, outcome);
    if (faults.length > 0) throw new Error(faults.join("; "));
    if (outcome.lost) lost += 1;
    return one.kills;
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
const kills = all.reduce((sum, one) => sum + one.kills, 0);
console.log(
  `${report.passed} of ${cases.length} cases passed, ${kills} times SIGKILL, in ${Math.round(report.durationMs / 1000)} s. Nothing durable to go on from, which "async" allows: ${lost}.`,
);
await world.close();
process.exitCode = report.failed === 0 ? 0 : 1;
