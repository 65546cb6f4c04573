import { withMiddleware, wrapModel } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";

// Relative, since this package does not depend on the offload package yet.
import {
  createResultStore,
  memoryResults,
  toolResultOffloadMiddleware,
} from "../../../packages/tool-result-offload/src/index.ts";
import { addedBetween, databaseSize, totalSize } from "../measure/database-size.ts";
import type { BenchDatabase } from "../overhead/bench-database.ts";
import { logOf } from "./result-corpus.ts";

/** What the checkpoints of one run hold. */
export interface CheckpointBytes {
  readonly rounds: number;
  readonly resultBytes: number;
  readonly offload: boolean;
  readonly rows: number;
  readonly bytes: number;
}

/** Runs so many rounds of one tool call each on Postgres, and counts what the checkpointer wrote. */
export async function measureCheckpoints(
  database: BenchDatabase,
  { rounds, resultBytes, offload }: Pick<CheckpointBytes, "rounds" | "resultBytes" | "offload">,
): Promise<CheckpointBytes> {
  const { pool, checkpointer } = database;
  await database.clear();
  let round = 0;
  const log = tool(() => logOf(resultBytes, (round += 1) * 10_000), {
    name: "fetch_log",
    description: "the log",
    schema: { type: "object", properties: {} },
  });
  const turns = Array.from({ length: rounds }, (_, turn) => ({
    toolCalls: [{ name: "fetch_log", args: {}, id: `call-${turn}` }],
  }));
  const model = wrapModel(scriptedModel([...turns, { content: "Done." }])).bindTools([log]);
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addNode("tools", new ToolNode([log]))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer });
  const store = createResultStore(memoryResults());
  const stack = offload ? [toolResultOffloadMiddleware({ store, maxBytes: 8 * 1024 })] : [];
  const before = await databaseSize(pool);
  await withMiddleware(graph, stack).invoke(
    { messages: [new HumanMessage("Please.")] },
    { configurable: { thread_id: "bench" }, durability: "sync", recursionLimit: 3 * rounds },
  );
  const { rows, bytes } = totalSize(addedBetween(before, await databaseSize(pool)));
  return { rounds, resultBytes, offload, rows, bytes };
}
