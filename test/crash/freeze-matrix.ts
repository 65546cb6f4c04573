/**
 * The whole crash matrix of config-freeze: every shape × every cut × both durabilities, frozen and
 * bare, each in processes of its own on a real Postgres.
 *
 * Usage: freeze-matrix.ts [--resume <file>] [--only <text>]
 */
import { parseArgs } from "node:util";

import { crashMatrix, freshDatabase, startOpenAIEndpoint } from "@evenkeel/testing";
import type { MatrixCase } from "@evenkeel/testing";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";

import {
  faultsOf,
  runCase,
  script,
  titleOf,
} from "../../packages/config-freeze/test/support/freeze-case.ts";
import type { Cut, FreezeCase } from "../../packages/config-freeze/test/support/freeze-case.ts";
import { SHAPES } from "../../packages/config-freeze/test/support/shapes.ts";

const CUTS: readonly Cut[] = [
  "first model call",
  "model",
  "tool",
  "between steps",
  "interrupt",
  "fork",
];

const { values } = parseArgs({ options: { resume: { type: "string" }, only: { type: "string" } } });
const all = SHAPES.flatMap((shape) =>
  CUTS.flatMap((cut) =>
    (["sync", "async"] as const).flatMap((durability) =>
      [true, false].map((frozen): FreezeCase => ({ shape, cut, durability, frozen })),
    ),
  ),
).filter((one) => titleOf(one).includes(values.only ?? ""));

const endpoint = await startOpenAIEndpoint({ script });
const database = await freshDatabase();
const schema = database.schema ?? "public";
await new PostgresSaver(database.pool, undefined, { schema }).setup();

const lost: string[] = [];
const cases = all.map((one): MatrixCase<number> => ({
  name: titleOf(one),
  run: async () => {
    const outcome = await runCase(one, { endpoint, database });
    const faults = faultsOf(one, outcome);
    if (faults.length > 0) throw new Error(faults.join("; "));
    if (outcome.lost) lost.push(titleOf(one));
    return [...outcome.after.values()].flat().length;
  },
}));
let done = 0;
const report = await crashMatrix(cases, {
  ...(values.resume === undefined ? {} : { resumeFile: values.resume }),
  onResult: (result) => {
    done += 1;
    const verdict = result.passed ? "ok  " : "FAIL";
    const why = result.passed ? "" : ` ${String(result.error)}`;
    console.log(`${done}/${cases.length} ${verdict} ${result.name}${why}`);
  },
});
const killed = all.filter(({ cut }) => cut !== "interrupt" && cut !== "fork").length;
console.log(
  `${report.passed} of ${cases.length} cases passed (${killed} of them crashes) in ${Math.round(report.durationMs / 1000)} s.`,
);
console.log(`Nothing durable to resume, which "async" allows: ${lost.join("; ") || "no case"}.`);
await endpoint.close();
await database.drop();
process.exitCode = report.failed === 0 ? 0 : 1;
