/** `npm run bench:flags -- [--pairs 100] [--records COUNT] [--json]`: what flags cost an execution on Postgres. */
import { parseArgs } from "node:util";

import { defineMiddleware } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { runFlagsMiddleware } from "@evenkeel/run-flags";

import { measureComputing } from "./flags/computing.ts";
import { flagsAgent } from "./flags/flags-agent.ts";
import { measureManyRecords } from "./flags/many-records.ts";
import { timePairs } from "./measure/interleaved-pairs.ts";
import { startBenchDatabase } from "./overhead/bench-database.ts";

/** What any middleware with three hooks costs by core's seams alone. */
const idleMiddleware = defineMiddleware({
  name: "idleMiddleware",
  options: {},
  wrapRun: (request, handler) => handler(request),
  wrapModelCall: (request, handler) => handler(request),
  wrapToolCall: (request, handler) => handler(request),
});

const ROUNDS = [1, 5, 25];
const CALLS = [1, 5, 25, 200];
const AIM_MS = 2;

process.env["LANGSMITH_TRACING"] = "false";
process.exitCode = await main(process.argv.slice(2));

/** Returns the exit code: 1 where an exact count is off, 2 for a command line that says nothing. */
async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      pairs: { type: "string", default: "100" },
      records: { type: "string", default: "0" },
      json: { type: "boolean", default: false },
    },
  });
  const [pairs, records] = [Number(values.pairs), Number(values.records)];
  if (!Number.isInteger(pairs) || pairs < 1 || !Number.isInteger(records) || records < 0) {
    console.error("--pairs and --records are whole numbers.");
    return 2;
  }
  const database = await startBenchDatabase();
  try {
    const store = evenkeelPostgres(database.pool);
    await store.setup();
    const flags = runFlagsMiddleware({ store });
    const rows = [];
    for (const rounds of ROUNDS) {
      console.error(`... ${rounds} tool calls`);
      const bare = flagsAgent([], database.checkpointer, rounds);
      const flagged = flagsAgent([flags], database.checkpointer, rounds);
      const measured = { pairs, betweenBatches: database.clear };
      const again = await timePairs({ ...measured, reference: bare.run, variant: bare.run });
      const times = await timePairs({ ...measured, reference: bare.run, variant: flagged.run });
      const idle = flagsAgent([idleMiddleware], database.checkpointer, rounds);
      const seam = await timePairs({ ...measured, reference: bare.run, variant: idle.run });
      rows.push({
        calls: rounds,
        pairs: times.pairs,
        bareMs: round(times.referenceMs),
        withFlagsMs: round(times.variantMs),
        addedMs: round(times.differenceMs),
        ratio: round(times.ratio),
        low: round(times.interval.low),
        high: round(times.interval.high),
        "A/A ratio": round(again.ratio),
        "idle hooks addedMs": round(seam.differenceMs),
        ...(await exactCounts(bare, flagged, database.statements)),
      });
    }
    await flags.flush();
    const computing = CALLS.map(measureComputing);
    const many = records === 0 ? [] : await measureManyRecords(store, database.pool, records);
    if (values.json) {
      console.log(
        JSON.stringify({ database: database.description, rows, computing, many }, undefined, 2),
      );
    } else {
      console.log(`Run flags on ${database.description}; aim: at most ${AIM_MS} ms an execution.`);
      console.table(rows);
      console.log("Of that, computing: milliseconds of processor time.");
      console.table(computing);
      if (many.length > 0) console.table(many);
    }
    const exact = rows.every(({ statements, steps }) => statements === 2 && steps === "equal");
    return exact ? 0 : 1;
  } finally {
    await database.stop();
  }
}

/** Statements more than the bare run's, and whether supersteps and checkpoints are the same. */
async function exactCounts(
  bare: ReturnType<typeof flagsAgent>,
  flagged: ReturnType<typeof flagsAgent>,
  statements: () => number,
): Promise<{ statements: number; steps: string }> {
  const counted = async (agent: typeof bare) => {
    const sent: number[] = [];
    let thread = "";
    // The history is read once a minute, by whichever execution comes first then.
    for (let index = 0; index < 2; index += 1) {
      const before = statements();
      thread = await agent.run();
      sent.push(statements() - before);
    }
    return { sent: Math.min(...sent), ...(await agent.counts(thread)) };
  };
  const [one, other] = [await counted(bare), await counted(flagged)];
  const same = one.supersteps === other.supersteps && one.checkpoints === other.checkpoints;
  return {
    statements: other.sent - one.sent,
    steps: same ? "equal" : `${JSON.stringify(one)} against ${JSON.stringify(other)}`,
  };
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
