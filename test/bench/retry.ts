/** `npm run bench:retry -- [--pairs 100] [--json]`: one fault schedule through LangChain's retries and ours, and what ours, a budget, a breaker and everything cost a run that does not fail. */

import { failureRetryMiddleware } from "@evenkeel/failure-retry";
import { circuitBreakerMiddleware } from "@evenkeel/limits";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { recommendedStack } from "evenkeel";

import { TROUBLES, playFault } from "../fault-schedule/play-fault.ts";
import { budgetOfAll } from "./limits/budget-of-all.ts";
import { measureCostRows } from "./limits/cost-rows.ts";
import type { CostRow } from "./limits/cost-rows.ts";
import { pairsOptions } from "./measure/pairs-options.ts";
import { startBenchWorld } from "./overhead/bench-world.ts";

const TOOL_CALLS = 6;
const LINGER_MS = 12_000;

process.env["LANGSMITH_TRACING"] = "false";
process.exitCode = await main(process.argv.slice(2));

/** Returns the exit code: 1 where a run that does not fail takes other supersteps or checkpoints than the bare graph. */
async function main(args: readonly string[]): Promise<number> {
  const given = pairsOptions(args, 100);
  if (given === undefined) return 2;
  const { pairs, json } = given;
  const schedule = [];
  for (const trouble of TROUBLES) {
    for (const side of ["langchain", "evenkeel"] as const) {
      console.error(`... ${trouble.name}, ${side}`);
      schedule.push(await playFault(trouble, side, LINGER_MS));
    }
  }
  const cost = await quietCost(pairs);
  if (json) {
    console.log(JSON.stringify({ schedule, cost }, undefined, 2));
  } else {
    console.table(schedule);
    console.table(cost);
  }
  return cost.every((row) => row["steps equal"]) ? 0 : 1;
}

/** Side by side on one Postgres, each against the bare graph; the bare graph against itself is the A/A. */
async function quietCost(pairs: number): Promise<CostRow[]> {
  const world = await startBenchWorld();
  try {
    const store = evenkeelPostgres(world.database.pool, { schema: "evenkeel_bench" });
    await store.setup();
    const breaker = () => circuitBreakerMiddleware({ store });
    const toolIdempotency = { tools: { look_up_order: "pure" } } as const;
    const stacks = {
      "bare (A/A)": undefined,
      "failure-retry": () => [failureRetryMiddleware()],
      budget: () => [budgetOfAll()],
      breaker: () => [breaker()],
      "budget and breaker": () => [budgetOfAll(), breaker()],
      "failure-retry, budget and breaker": () => [
        failureRetryMiddleware(),
        budgetOfAll(),
        breaker(),
      ],
      "everything on": () => recommendedStack({ store, toolIdempotency }),
    };
    return await measureCostRows(world, stacks, { pairs, toolCalls: TOOL_CALLS, thinks: [0] });
  } finally {
    await world.stop();
  }
}
