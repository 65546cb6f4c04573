/** `npm run bench:limits -- [--pairs 60] [--calls 6] [--think 0,20] [--json]`: what a budget and a breaker cost a call, and what a breaker saves on a service's bad day. */
import { parseArgs } from "node:util";

import { withMiddleware } from "@evenkeel/core";
import type { AnyMiddleware } from "@evenkeel/core";
import { budgetMiddleware, circuitBreakerMiddleware } from "@evenkeel/limits";
import { evenkeelPostgres } from "@evenkeel/postgres";

import { playBadDay } from "./limits/bad-day.ts";
import { timePairs } from "./measure/interleaved-pairs.ts";
import { runOnce } from "./overhead/bench-run.ts";
import { startBenchWorld } from "./overhead/bench-world.ts";
import type { BenchWorld } from "./overhead/bench-world.ts";
import type { CaseSide } from "./overhead/cases.ts";
import { countRun } from "./overhead/exact-counts.ts";
import { compiledGraph, plainAgent, stateGraph } from "./overhead/graphs.ts";
import type { BenchGraph } from "./overhead/graphs.ts";
import { guardOf, measureNodes } from "./overhead/guard-time.ts";

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

interface Plan {
  readonly pairs: number;
  readonly toolCalls: number;
  readonly thinks: readonly number[];
}

async function measure({ pairs, toolCalls, thinks }: Plan) {
  const world = await startBenchWorld();
  const store = evenkeelPostgres(world.database.pool, { schema: "evenkeel_bench" });
  await store.setup();
  const budget = (): AnyMiddleware =>
    budgetMiddleware({
      perExecution: { tokens: 1e9, cost: 1e9, wallTimeMs: 1e9, modelCalls: 1e6, toolCalls: 1e6 },
      perThread: { tokens: 1e9 },
      perTool: { look_up_order: { calls: 1e6 } },
      price: ({ totalTokens }) => totalTokens * 1e-6,
    });
  const stacks: Readonly<Record<string, () => AnyMiddleware[]>> = {
    bare: () => [],
    "no middleware": () => [],
    budget: () => [budget()],
    breaker: () => [circuitBreakerMiddleware()],
    "breaker on Postgres": () => [circuitBreakerMiddleware({ store })],
    both: () => [circuitBreakerMiddleware({ store }), budget()],
  };
  const rows = [];
  try {
    for (const [family, subject] of Object.entries({
      StateGraph: stateGraph,
      createAgent: plainAgent,
    })) {
      for (const thinkMs of thinks) {
        for (const [title, stack] of Object.entries(stacks)) {
          console.error(`... ${family}, ${title}, the model thinks ${thinkMs} ms`);
          const reference = sideOf(subject, undefined);
          const variant = sideOf(subject, title === "bare" ? undefined : stack);
          rows.push({
            graph: family,
            "model thinks, ms": thinkMs,
            variant: title,
            ...(await measureRow(world, { reference, variant, toolCalls, thinkMs, pairs })),
          });
        }
      }
    }
  } finally {
    await world.stop();
  }
  return rows;
}

function sideOf(
  subject: typeof stateGraph,
  stack: (() => readonly AnyMiddleware[]) | undefined,
): CaseSide {
  return {
    durability: "sync",
    build(options) {
      const built = subject(options);
      const { source, clock } = built;
      const graph =
        stack === undefined
          ? compiledGraph(built)
          : (withMiddleware(source, stack()) as unknown as BenchGraph);
      return { graph, clock };
    },
  };
}

interface RowPlan {
  readonly reference: CaseSide;
  readonly variant: CaseSide;
  readonly toolCalls: number;
  readonly thinkMs: number;
  readonly pairs: number;
}

async function measureRow(world: BenchWorld, plan: RowPlan) {
  const { reference, variant, pairs, ...task } = plan;
  const { database } = world;
  await database.clear();
  const bareCounts = await countRun(world, reference, task);
  const counts = await countRun(world, variant, task);
  const bare = measureNodes(world.build(reference, task));
  const other = measureNodes(world.build(variant, task));
  const times = await timePairs({
    reference: () => runOnce(bare, reference),
    variant: () => runOnce(other, variant),
    pairs,
    betweenBatches: () => database.clear(),
    onWarm: () => {
      bare.times.length = 0;
      other.times.length = 0;
    },
  });
  const guard = guardOf(bare, other);
  const calls = 2 * task.toolCalls + 1;
  return {
    supersteps: counts.supersteps,
    checkpoints: counts.checkpoints,
    "steps equal":
      counts.supersteps === bareCounts.supersteps && counts.checkpoints === bareCounts.checkpoints,
    "statements a call": rounded((counts.statements - bareCounts.statements) / calls),
    "rows a call": rounded((counts.rows - bareCounts.rows) / calls),
    "bytes a call": Math.round((counts.bytes - bareCounts.bytes) / calls),
    "guard, model ms": rounded(guard.modelMs),
    "guard, tool ms": rounded(guard.toolMs),
    "extra a call, ms": rounded(times.differenceMs / calls),
    ratio: rounded(times.ratio),
    "95 %": `${times.interval.low.toFixed(2)}-${times.interval.high.toFixed(2)}`,
  };
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
