import { evenkeelPostgres } from "@evenkeel/postgres";
import { runFlagsMiddleware } from "@evenkeel/run-flags";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { Client } from "langsmith";
import { Pool } from "pg";

import { AT_WORK, letter } from "./customers.ts";
import { supportAgent } from "./support-agent.ts";

// A process of its own for one customer, which does not live to see the answer.
const [databaseUrl, modelUrl = "", customer = "", order = ""] = process.argv.slice(2);
const pool = new Pool({ connectionString: databaseUrl });
const client = new Client();
const flags = runFlagsMiddleware({ store: evenkeelPostgres(pool), langsmith: { client } });
const checkpointer = new PostgresSaver(pool);
const agent = supportAgent(modelUrl === "" ? undefined : modelUrl, checkpointer, [flags]);
let begun = (): void => undefined;
const tool = new Promise<void>((resolve) => (begun = resolve));
const running = agent.invoke(
  { messages: [{ role: "user", content: letter(order) }] },
  {
    configurable: { thread_id: customer },
    callbacks: [new LangChainTracer({ client }), { handleToolStart: () => begun() }],
  },
);
await tool;
// A record is begun beside the run, and a trace sent: both take a moment.
await flags.flush();
await client.awaitPendingTraceBatches();
console.log(AT_WORK);
await running;
await pool.end();
