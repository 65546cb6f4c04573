/** `npm run bench:idempotency -- [--pairs 30] [--json]`: what an effect that happens once costs, by round trips and time, beside the bare graph. */

import { withMiddleware, wrapModel } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { freshDatabase, scriptedModel } from "@evenkeel/testing";
import { toolIdempotencyMiddleware } from "@evenkeel/tool-idempotency";
import type { DeclaredEffect } from "@evenkeel/tool-idempotency";
import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import type { Pool } from "pg";
import { z } from "zod";

import { countedPool } from "./idempotency/counted-pool.ts";
import { timePairs } from "./measure/interleaved-pairs.ts";
import { pairsOptions } from "./measure/pairs-options.ts";

const CALLS = 6;
/** Round trips that are promised: the claim and the settlement; a transaction's begin and commit are the tool's own. */
const ROUND_TRIPS: Readonly<Record<DeclaredEffect, number>> = {
  pure: 0,
  idempotent: 2,
  keyed: 2,
  once: 2,
  transactional: 4,
};
/** The lease of the run: taken, and given back. */
const OF_THE_RUN = 2;
let threads = 0;
const EFFECTS = Object.keys(ROUND_TRIPS) as DeclaredEffect[];

process.env["LANGSMITH_TRACING"] = "false";
process.exitCode = await main(process.argv.slice(2));

/** Returns the exit code: 1 where a count is not the promised one. */
async function main(args: readonly string[]): Promise<number> {
  const given = pairsOptions(args, 30);
  if (given === undefined) return 2;
  const { pairs, json } = given;
  const database = await freshDatabase({ maxConnections: 4 });
  try {
    const schema = database.schema ?? "public";
    await new PostgresSaver(database.pool, undefined, { schema }).setup();
    await evenkeelPostgres(database.pool, { schema: `${schema}_ledger` }).setup();
    const world = { pool: database.pool, schema };
    const bare = agentOf("bare", world);
    const rows = [];
    for (const effect of EFFECTS) rows.push(await measure(effect, bare, world, pairs));
    // Bare against bare, to say how much of a figure is noise.
    const noise = await timePairs({
      pairs,
      reference: bare.run,
      variant: agentOf("bare", world).run,
      betweenBatches: async () => undefined,
    });
    const noiseMs = round(noise.differenceMs / CALLS);
    if (json) {
      console.log(JSON.stringify({ rows, noiseMs }, undefined, 2));
    } else {
      console.table(
        rows,
        Object.keys(rows[0] ?? {}).filter((name) => name !== "faults"),
      );
      console.log(`Bare against bare: ${noiseMs} ms per call, ratio ${round(noise.ratio)}.`);
    }
    const faults = rows.flatMap(({ effect, faults: found }) =>
      found.map((fault) => `${effect}: ${fault}`),
    );
    for (const fault of faults) console.error(fault);
    return faults.length === 0 ? 0 : 1;
  } finally {
    await database.drop();
  }
}

interface World {
  readonly pool: Pool;
  readonly schema: string;
}

interface BenchAgent {
  run(): Promise<unknown>;
  /** Round trips to the ledger in one run. */
  roundTrips(): Promise<number>;
  steps(): Promise<{ supersteps: number; checkpoints: number }>;
}

async function measure(effect: DeclaredEffect, bare: BenchAgent, world: World, pairs: number) {
  const ours = agentOf(effect, world);
  const expected = await bare.steps();
  const steps = await ours.steps();
  const trips = await ours.roundTrips();
  const perEffect = (trips - OF_THE_RUN) / CALLS;
  const faults: string[] = [];
  if (perEffect !== ROUND_TRIPS[effect]) {
    faults.push(`${perEffect} round trips an effect, ${ROUND_TRIPS[effect]} are promised`);
  }
  if (steps.supersteps !== expected.supersteps || steps.checkpoints !== expected.checkpoints) {
    faults.push(`${JSON.stringify(steps)}, bare ${JSON.stringify(expected)}`);
  }
  const { ratio, interval, referenceMs, variantMs, differenceMs } = await timePairs({
    pairs,
    reference: bare.run,
    variant: ours.run,
    betweenBatches: async () => undefined,
  });
  return {
    effect,
    "round trips per effect": perEffect,
    "per run": OF_THE_RUN,
    "ms per effect": round(differenceMs / CALLS),
    bareMs: round(referenceMs),
    oursMs: round(variantMs),
    ratio: round(ratio),
    from: round(interval.low),
    to: round(interval.high),
    supersteps: `${steps.supersteps} (${expected.supersteps})`,
    checkpoints: `${steps.checkpoints} (${expected.checkpoints})`,
    faults,
  };
}

/** An agent that calls one tool six times, a turn each, checkpointed in Postgres. */
function agentOf(effect: DeclaredEffect | "bare", { pool, schema }: World): BenchAgent {
  const checkpointer = new PostgresSaver(pool, undefined, { schema });
  const turns = [
    ...Array.from({ length: CALLS }, (_, index) => ({
      toolCalls: [{ name: "pay", args: { index } }],
    })),
    { content: "Done." },
  ];
  const pay = tool(({ index }) => `paid ${index}`, {
    name: "pay",
    description: "Pays.",
    schema: z.object({ index: z.number() }),
  });
  const model = scriptedModel(turns);
  const llm = effect === "bare" ? model : wrapModel(model);
  const graph = createReactAgent({ llm, tools: [pay], checkpointer });
  const counted = countedPool(pool);
  const agent =
    effect === "bare"
      ? graph
      : withMiddleware(graph, [
          toolIdempotencyMiddleware({
            store: evenkeelPostgres(counted.pool, { schema: `${schema}_ledger` }),
            tools: { pay: effect },
          }),
        ]);
  const config = (thread: string) => ({ configurable: { thread_id: thread }, durability: "sync" });
  const invoke = async (): Promise<string> => {
    const thread = `thread ${(threads += 1)}`;
    await agent.invoke({ messages: [new HumanMessage("Go.")] }, config(thread) as object);
    return thread;
  };
  return {
    run: invoke,
    async roundTrips() {
      // The first statement is preceded by a look at the schema's version.
      await invoke();
      const before = counted.count();
      await invoke();
      return counted.count() - before;
    },
    async steps() {
      const thread = await invoke();
      const steps: number[] = [];
      for await (const { metadata } of checkpointer.list(config(thread))) {
        steps.push(metadata?.step ?? 0);
      }
      return { supersteps: Math.max(...steps), checkpoints: steps.length };
    },
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
