/** `npm run bench:limits -- [--pairs 60] [--calls 6] [--think 0,20] [--json]`: what a budget and a breaker cost a call, and what a breaker saves on a service's bad day. */
import { parseArgs } from "node:util";

import { circuitBreakerMiddleware } from "@evenkeel/limits";
import { evenkeelPostgres } from "@evenkeel/postgres";

import { playBadDay } from "./limits/bad-day.ts";
import { budgetOfAll } from "./limits/budget-of-all.ts";
import { measureCostRows } from "./limits/cost-rows.ts";
import type { CostPlan, CostRow } from "./limits/cost-rows.ts";
import { startBenchWorld } from "./overhead/bench-world.ts";

const SEED = 20_260_101;

process.env["LANGSMITH_TRACING"] = "false";
process.exitCode = await main(process.argv.slice(2));

/** Returns the exit code: 1 where a run takes other supersteps or checkpoints than the bare graph. */
async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      pairs: { type: "string", default: "60" },
      calls: { type: "string", default: "6" },
      think: { type: "string", default: "0,20" },
      json: { type: "boolean", default: false },
    },
  });
  const pairs = Number(values.pairs);
  const toolCalls = Number(values.calls);
  const thinks = values.think.split(",").map(Number);
  if (![pairs, toolCalls].every((number) => number >= 1) || !thinks.every((ms) => ms >= 0)) {
    console.error("--pairs and --calls take a number from 1, --think milliseconds from 0.");
    return 2;
  }
  const rows = await measure({ pairs, toolCalls, thinks });
  console.error("... a bad day, with a breaker and without");
  const bareDay = await playBadDay(SEED, false);
  const brokenDay = await playBadDay(SEED, true);
  const badDay = bareDay.map((bare, index) => {
    const { calls = 0, answered = 0, lostSeconds = 0 } = brokenDay[index] ?? {};
    return {
      phase: bare.phase,
      asked: bare.asked,
      "calls bare": bare.calls,
      calls,
      "answered bare": bare.answered,
      answered,
      "lost bare, s": bare.lostSeconds,
      "lost, s": lostSeconds,
    };
  });
  if (values.json) {
    console.log(JSON.stringify({ rows, badDay }, undefined, 2));
  } else {
    console.table(rows);
    console.log(
      "One service's bad day, asked once a second with two retries a call (virtual time):",
    );
    console.table(badDay);
  }
  return rows.every((row) => row["steps equal"]) ? 0 : 1;
}

async function measure(plan: CostPlan): Promise<CostRow[]> {
  const world = await startBenchWorld();
  try {
    const store = evenkeelPostgres(world.database.pool, { schema: "evenkeel_bench" });
    await store.setup();
    const stacks = {
      bare: undefined,
      "no middleware": () => [],
      budget: () => [budgetOfAll()],
      breaker: () => [circuitBreakerMiddleware()],
      "breaker on Postgres": () => [circuitBreakerMiddleware({ store })],
      both: () => [circuitBreakerMiddleware({ store }), budgetOfAll()],
    };
    return await measureCostRows(world, stacks, plan);
  } finally {
    await world.stop();
  }
}
