/** One process that has one large result, and tells how large it grew itself. */
import { setImmediate } from "node:timers/promises";

import { withMiddleware } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { reportResult } from "@evenkeel/testing";
import { toolResultOffloadMiddleware } from "@evenkeel/tool-result-offload";
import { AIMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { Pool } from "pg";

import { logOf } from "./result-corpus.ts";

/** Peak memory of a process, in bytes. */
export interface MemoryReport {
  /** Before there was any result. */
  readonly baseRss: number;
  readonly peakRss: number;
  /** Of the message that stayed in the state. */
  readonly messageBytes: number;
}

const [act = "make", megabytes = "0", connectionString = ""] = process.argv.slice(2);
const BLOCK_BYTES = 1_000_000;

const baseRss = process.memoryUsage.rss();
const messageBytes = act === "make" ? makeText().length : await runGraph();
const peakRss = process.resourceUsage().maxRSS * 1_024;
reportResult({ baseRss, peakRss, messageBytes } satisfies MemoryReport);

function makeText(): string {
  // Flattened, as what comes over a wire is.
  const blocks = Array.from({ length: Number(megabytes) }, (_, block) =>
    Buffer.from(logOf(BLOCK_BYTES, block * 100_000)),
  );
  return Buffer.concat(blocks).toString("latin1");
}

/** The same blocks one by one, as an export comes from a service. */
async function* streamBlocks(): AsyncGenerator<string> {
  for (let block = 0; block < Number(megabytes); block += 1) {
    yield logOf(BLOCK_BYTES, block * 100_000);
    await setImmediate();
  }
}

async function runGraph(): Promise<number> {
  const pool = new Pool({ connectionString });
  const store = evenkeelPostgres(pool, { schema: "bench_memory" });
  await store.setup();
  const spec = {
    name: "fetch_log",
    description: "a log",
    schema: { type: "object", properties: {} },
  } as const;
  const fetchLog =
    act === "stream"
      ? tool(() => ["The log.", streamBlocks()], {
          ...spec,
          responseFormat: "content_and_artifact",
        })
      : tool(makeText, spec);
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("tools", new ToolNode([fetchLog]))
    .addEdge(START, "tools")
    .compile();
  const call = new AIMessage({
    content: "",
    tool_calls: [{ name: "fetch_log", args: {}, id: "call" }],
  });
  const stack = act !== "bare" ? [toolResultOffloadMiddleware({ store })] : [];
  const { messages } = await withMiddleware(graph, stack).invoke(
    { messages: [call] },
    { configurable: { thread_id: "bench" } },
  );
  await pool.query("DROP SCHEMA bench_memory CASCADE");
  await pool.end();
  return Buffer.byteLength(messages.at(-1)?.text ?? "");
}
