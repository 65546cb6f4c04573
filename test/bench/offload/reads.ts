import { withMiddleware, wrapTools } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { offloadMarkOf, toolResultOffloadMiddleware } from "@evenkeel/tool-result-offload";
import { ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { Pool } from "pg";

import type { BenchDatabase } from "../overhead/bench-database.ts";

/** What one call of a reading tool took from the database. */
export interface MeasuredRead {
  readonly call: string;
  /** Bytes of the result that the call had to look at. */
  readonly needed: number;
  /** Bytes of all values of all rows that came back. */
  readonly read: number;
  readonly statements: number;
  readonly ms: number;
}

interface Reading {
  readonly call: string;
  readonly name: string;
  readonly args: (size: number) => object;
  readonly needed: (size: number) => number;
}

const LINE_BYTES = 100;
const NEEDLE_AT = 0.1;

const READINGS: readonly Reading[] = [
  slice(1_000),
  slice(4_000),
  slice(16_000),
  {
    call: "read 80 lines from the middle",
    name: "read_tool_result",
    args: (size) => ({ line: Math.floor(size / LINE_BYTES / 2), lines: 80 }),
    needed: () => 80 * LINE_BYTES,
  },
  {
    call: "search, first match after a tenth",
    name: "search_tool_result",
    args: () => ({ pattern: "needle", limit: 1, context: 0 }),
    needed: (size) => size * NEEDLE_AT,
  },
  {
    call: "search, no match",
    name: "search_tool_result",
    args: () => ({ pattern: "nowhere" }),
    needed: (size) => size,
  },
  {
    call: "query, count by city",
    name: "query_tool_result",
    args: () => ({ query: "groupBy(.city) | mapValues(size())" }),
    needed: (size) => size,
  },
];

function slice(bytes: number): Reading {
  return {
    call: `read ${bytes} bytes from the middle`,
    name: "read_tool_result",
    args: (size) => ({ offset: Math.floor(size / 2), bytes }),
    needed: () => bytes,
  };
}

/** Has the tools read one large result in Postgres inside a graph, and counts what they were sent. */
export async function measureReads(
  database: BenchDatabase,
  { megabytes, say }: { megabytes: number; say: (step: string) => void },
): Promise<MeasuredRead[]> {
  say(`reading from ${megabytes} MB in Postgres`);
  const schema = "bench_reads";
  const meter = { bytes: 0, statements: 0 };
  const store = evenkeelPostgres(metered(database.pool, meter), { schema });
  await store.setup();
  const middleware = toolResultOffloadMiddleware({
    store,
    tools: { limits: { maxTokens: 20_000, searchTimeoutMs: 120_000, queryTimeoutMs: 120_000 } },
  });
  const reading = wrapTools((middleware.tools ?? []) as readonly StructuredToolInterface[]);
  const [fetchExport] = wrapTools([exporting(megabytes * 1_000_000)]);
  const measured: MeasuredRead[] = [];
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("loop", async () => {
      const kept = offloadMarkOf(await called(fetchExport, {}));
      if (kept === undefined) throw new Error("The export was not offloaded.");
      const { handle, bytes: size } = kept;
      for (const { call, name, args, needed } of READINGS) {
        const before = { ...meter, at: performance.now() };
        const answer = await called(
          reading.find((candidate) => candidate.name === name),
          { handle, ...args(size) },
        );
        if (answer.status === "error") throw new Error(`${call}: ${answer.text}`);
        measured.push({
          call,
          needed: needed(size),
          read: meter.bytes - before.bytes,
          statements: meter.statements - before.statements,
          ms: performance.now() - before.at,
        });
      }
      return {};
    })
    .addEdge(START, "loop")
    .compile();
  await withMiddleware(graph, [middleware]).invoke(
    { messages: [] },
    { configurable: { thread_id: "bench" } },
  );
  await database.pool.query(`DROP SCHEMA ${schema} CASCADE`);
  return measured;
}

async function called(
  callee: StructuredToolInterface | undefined,
  args: Record<string, unknown>,
): Promise<ToolMessage> {
  const call = { type: "tool_call" as const, name: callee?.name ?? "", args, id: "call" };
  const message: unknown = await callee?.invoke(call);
  if (!ToolMessage.isInstance(message)) throw new Error(`${call.name} gave no message.`);
  return message;
}

/** A tool that exports JSON Lines of a hundred bytes each, one of which is the needle. */
function exporting(bytes: number): StructuredToolInterface {
  const lines = bytes / LINE_BYTES;
  const line = (index: number): string => {
    const note = index === lines * NEEDLE_AT ? "needle" : "hay";
    const city = ["Rome", "Oslo", "Kyiv"][index % 3];
    return `{"order":${index},"city":"${city}","note":"${note}"`
      .padEnd(LINE_BYTES - 2)
      .concat("}\n");
  };
  return tool(() => Array.from({ length: lines }, (_, index) => line(index)).join(""), {
    name: "export_orders",
    description: "every order",
    schema: { type: "object", properties: {} },
  });
}

/** The pool, with a meter on what comes back. */
function metered(pool: Pool, meter: { bytes: number; statements: number }): Pool {
  const query = async (text: string, values: unknown[]): Promise<unknown> => {
    meter.statements += 1;
    const result = await pool.query<Record<string, unknown>>(text, values);
    for (const row of result.rows) {
      for (const value of Object.values(row)) {
        meter.bytes +=
          value instanceof Uint8Array ? value.length : Buffer.byteLength(String(value ?? ""));
      }
    }
    return result;
  };
  return new Proxy(pool, {
    get: (target, property) => (property === "query" ? query : Reflect.get(target, property)),
  });
}
