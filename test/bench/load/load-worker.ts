/** A worker of the load: plays the turns it is told of, and says after each what came of it. */
import { performance } from "node:perf_hooks";

import { evenkeelPostgres } from "@evenkeel/postgres";
import { openPool } from "@evenkeel/testing";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";

import { bareSide, everythingSide } from "../everything/sides.ts";
import { question, stateGraph } from "../overhead/graphs.ts";
import type { BenchGraph } from "../overhead/graphs.ts";
import type { LoadJob, LoadSide, LoadTurn, TurnReport } from "./load-job.ts";

const LAST_WORDS = "The order is on its way.";
const job = JSON.parse(process.argv[2] ?? "{}") as LoadJob;
const pool = openPool({ connectionString: job.database, max: job.poolSize });
const { toolCalls, thinkMs, model: url } = job;
const subject = { toolCalls, thinkMs, url, checkpointer: new PostgresSaver(pool) };
const graphs: Readonly<Record<LoadSide, BenchGraph>> = {
  bare: bareSide(stateGraph).build(subject).graph,
  "all on": everythingSide(stateGraph, evenkeelPostgres(pool), "once").build(subject).graph,
};
let threads = 0;

async function runOnce(graph: BenchGraph, thread: string): Promise<string | undefined> {
  try {
    const config = {
      configurable: { thread_id: thread },
      durability: "sync",
      recursionLimit: 1_000,
    };
    const { messages } = (await graph.invoke(question(), config)) as {
      messages: { text: string }[];
    };
    const last = messages.at(-1)?.text;
    const missing =
      messages.length === 2 * toolCalls + 2 ? "" : ` after ${messages.length} messages`;
    if (last === LAST_WORDS && missing === "") return undefined;
    return `ended with ${JSON.stringify(last)}${missing}`;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

async function play({ side, forMs }: LoadTurn): Promise<TurnReport> {
  const failures: string[] = [];
  const runMs: number[] = [];
  const start = performance.now();
  const lane = async (): Promise<void> => {
    while (performance.now() - start < forMs) {
      threads += 1;
      const began = performance.now();
      const failure = await runOnce(graphs[side], `${process.pid}-${threads}`);
      if (failure === undefined) runMs.push(performance.now() - began);
      else failures.push(failure.slice(0, 300));
    }
  };
  await Promise.all(Array.from({ length: job.lanes }, lane));
  const tookMs = performance.now() - start;
  return { side, finished: runMs.length, failures, tookMs, runMs, heapBytes: await restingHeap() };
}

async function restingHeap(): Promise<number> {
  // Sockets and timers of the last run let go of what they hold a turn of the loop later.
  for (let round = 0; round < 3; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    globalThis.gc?.();
  }
  return process.memoryUsage().heapUsed;
}

process.on("message", (turn: LoadTurn) => {
  void play(turn).then((report) => process.send?.(report));
});
process.once("disconnect", () => void pool.end());
process.send?.("ready");
