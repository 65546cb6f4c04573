/** A night of customers, and a morning of review: from flagged runs to LangSmith's queue. */
import { setTimeout } from "node:timers/promises";

import { evenkeelPostgres } from "@evenkeel/postgres";
import {
  flagsFromFeedback,
  runFlagsMiddleware,
  setUpReview,
  sweepStale,
} from "@evenkeel/run-flags";
import { crash } from "@evenkeel/testing";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { Client } from "langsmith";
import { Pool } from "pg";

import { AT_WORK, CUSTOMERS, NORA, letter } from "./customers.ts";
import { complain, printFilters, printQueue, threadsOf } from "./review-desk.ts";
import { openStage } from "./stage.ts";
import { supportAgent } from "./support-agent.ts";

const stage = await openStage();
const pool = new Pool({ connectionString: stage.databaseUrl });
const store = evenkeelPostgres(pool);
const checkpointer = new PostgresSaver(pool);
await store.setup();
await checkpointer.setup();

const client = new Client();
const review = { client, project: stage.project };
const flags = runFlagsMiddleware({ store, langsmith: review });
const agent = supportAgent(stage.modelUrl, checkpointer, [flags]);

console.log("The night");
await setUpReview(review);
for (const { name, order } of CUSTOMERS) {
  const input = { messages: [{ role: "user" as const, content: letter(order) }] };
  const callbacks = [new LangChainTracer({ client })];
  const state = await agent.invoke(input, { configurable: { thread_id: name }, callbacks });
  console.log(`  ${name.padEnd(5)} ${state.messages.at(-1)?.text ?? ""}`);
}
await crash({
  script: new URL("./process.ts", import.meta.url),
  args: [stage.databaseUrl, stage.modelUrl ?? "", NORA.name, NORA.order],
  killWhen: (line) => line === AT_WORK,
});
console.log(`  ${NORA.name.padEnd(5)} (killed by SIGKILL while a tool was at work)`);
await client.awaitPendingTraceBatches();
await flags.flush();
await complain(client, stage.project, "hugo", "The order had no tracking number.");

// What was sent is there a moment later.
await setTimeout(stage.ingestMs);
console.log("\nThe morning");
const hourLater = Date.now() + 3_600_000;
const dead = await sweepStale({
  store,
  olderThanMs: 1_800_000,
  langsmith: review,
  clock: () => hourLater,
});
console.log(
  `  the sweep found ${dead.length} execution that had died: ${await threadsOf(store, dead)}`,
);
for (const { tool, field, reason } of await flagsFromFeedback({
  client,
  store,
  since: Date.now() - 3_600_000,
  review: { project: stage.project },
})) {
  console.log(`  feedback raised ${reason}: tool ${tool ?? "unknown"}, field "${field ?? ""}"`);
}

await setTimeout(stage.ingestMs);
console.log("\nThe queue");
await printQueue(client);
console.log("\nThe filters to paste, and what they find here");
await printFilters(client, stage.project);
await pool.end();
await stage.close();
