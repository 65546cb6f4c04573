/** `npm run bench:offload -- [--corpus DIR] [--rounds 50] [--json]`: what offloading keeps out, and gives back. */
import { parseArgs } from "node:util";

import { measureCheckpoints } from "./offload/checkpoint-bytes.ts";
import { measureKeptOut } from "./offload/kept-out.ts";
import { generatedResults, recordedResults } from "./offload/result-corpus.ts";
import { startBenchDatabase } from "./overhead/bench-database.ts";

const THRESHOLDS_KIB = [2, 8, 40];
const RESULT_BYTES = 20_000;

process.env["LANGSMITH_TRACING"] = "false";
process.exitCode = await main(process.argv.slice(2));

/** Returns the exit code: 1 where a result did not come back as it was. */
async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      corpus: { type: "string" },
      rounds: { type: "string", default: "50" },
      json: { type: "boolean", default: false },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) {
    console.error(`--rounds must be a whole number of at least 1, not ${values.rounds}.`);
    return 2;
  }
  const { corpus: directory } = values;
  const corpora = [
    { name: "generated", results: generatedResults() },
    ...(directory === undefined
      ? []
      : [{ name: directory, results: await recordedResults(directory) }]),
  ];
  const keptOut = [];
  for (const { name, results } of corpora) {
    for (const threshold of THRESHOLDS_KIB) {
      console.error(`... ${name} at ${threshold} KiB`);
      keptOut.push({ corpus: name, ...(await measureKeptOut(results, threshold)) });
    }
  }
  const checkpoints = await withDatabase(rounds);
  if (values.json) {
    console.log(JSON.stringify({ keptOut, checkpoints }, undefined, 2));
  } else {
    console.table(keptOut);
    console.table(checkpoints);
  }
  return keptOut.every(({ offloaded, exact }) => offloaded === exact) ? 0 : 1;
}

async function withDatabase(
  rounds: number,
): Promise<Awaited<ReturnType<typeof measureCheckpoints>>[]> {
  const database = await startBenchDatabase();
  try {
    const measured = [];
    for (const offload of [false, true]) {
      console.error(`... ${rounds} rounds ${offload ? "with" : "without"} offload`);
      const run = { rounds, resultBytes: RESULT_BYTES, offload };
      measured.push(await measureCheckpoints(database, run));
    }
    return measured;
  } finally {
    await database.stop();
  }
}
