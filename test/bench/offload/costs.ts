import { defineMiddleware, memoryStore, withMiddleware, wrapTools } from "@evenkeel/core";
import type { Middleware, ResultStore } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { toolResultOffloadMiddleware } from "@evenkeel/tool-result-offload";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";

import { timePairs } from "../measure/interleaved-pairs.ts";
import type { BenchDatabase } from "../overhead/bench-database.ts";
import { logOf } from "./result-corpus.ts";

/** What one call of a tool costs more than the same call without. */
export interface MeasuredCost {
  readonly what: string;
  /** Of the processor, or of the wall where a database is waited for. */
  readonly clock: "processor" | "wall";
  readonly costMs: number;
  readonly unit: "call" | "MB";
  readonly pairs: number;
}

interface CostCase {
  readonly what: string;
  readonly clock: MeasuredCost["clock"];
  readonly calls: number;
  readonly bytes: number;
  readonly reference: readonly Middleware[];
  readonly variant: readonly Middleware[];
}

const MEGABYTE = 1_000_000;
const SMALL = { clock: "processor", calls: 500 } as const;
const LARGE = { calls: 3, bytes: MEGABYTE } as const;

/** Times tool calls inside a node, with the middleware and without, in interleaved pairs. */
export async function measureCosts(
  { pool }: BenchDatabase,
  { pairs, say }: { pairs: number; say: (step: string) => void },
): Promise<MeasuredCost[]> {
  const schema = "bench_costs";
  const durable = evenkeelPostgres(pool, { schema });
  await durable.setup();
  const measured: MeasuredCost[] = [];
  for (const costCase of costCases(durable)) {
    say(`cost: ${costCase.what}`);
    measured.push(await measureCost(costCase, pairs));
  }
  await pool.query(`DROP SCHEMA ${schema} CASCADE`);
  return measured;
}

function costCases(durable: ResultStore): CostCase[] {
  const reference = [idle()];
  const variant = [toolResultOffloadMiddleware({ store: memoryStore() })];
  const inPostgres = [toolResultOffloadMiddleware({ store: durable })];
  return [
    { ...SMALL, what: "a small result, 200 bytes", bytes: 200, reference, variant },
    { ...SMALL, what: "the same, core's own share included", bytes: 200, reference: [], variant },
    { ...SMALL, what: "tokens estimated, 1.5 KB", bytes: 1_500, reference, variant },
    { ...SMALL, what: "tokens counted, 3 KB", bytes: 3_000, reference, variant },
    { ...LARGE, what: "offloaded, memory", clock: "processor", reference, variant },
    { ...LARGE, what: "offloaded, Postgres", clock: "wall", reference, variant: inPostgres },
  ];
}

async function measureCost(costCase: CostCase, pairs: number): Promise<MeasuredCost> {
  const { what, clock, calls, bytes, reference, variant } = costCase;
  const times = await timePairs({
    reference: calling(costCase, reference),
    variant: calling(costCase, variant),
    pairs,
    betweenBatches: () => Promise.resolve(),
    ...(clock === "processor" ? { clock: processorMs } : {}),
  });
  const perCall = times.differenceMs / calls;
  return bytes < MEGABYTE
    ? { what, clock, costMs: perCall, unit: "call", pairs: times.pairs }
    : { what, clock, costMs: perCall * (MEGABYTE / bytes), unit: "MB", pairs: times.pairs };
}

/** Of all threads of this process. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** A middleware that wraps tool calls and does nothing. */
function idle(): Middleware {
  return defineMiddleware({
    name: "idleMiddleware",
    options: {},
    wrapToolCall: (request, handler) => handler(request),
  });
}

let texts = 0;

/** A run of one node that calls a tool so many times; no two results are alike. */
function calling({ calls, bytes }: CostCase, stack: readonly Middleware[]): () => Promise<unknown> {
  const log = logOf(bytes);
  const made = tool(
    () => {
      texts += 1;
      return Buffer.from(`${texts} ${log}`).toString("latin1");
    },
    { name: "fetch_log", description: "a log", schema: { type: "object", properties: {} } },
  );
  const [fetchLog] = wrapTools([made]);
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("loop", async () => {
      for (let index = 0; index < calls; index += 1) {
        const id = `call-${index}`;
        await fetchLog?.invoke({ type: "tool_call", name: "fetch_log", args: {}, id });
      }
      return {};
    })
    .addEdge(START, "loop")
    .compile();
  const wrapped = withMiddleware(graph, [...stack]);
  return () => wrapped.invoke({ messages: [] }, { configurable: { thread_id: "bench" } });
}
