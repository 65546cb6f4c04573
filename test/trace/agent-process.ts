import { reportResult } from "@evenkeel/testing";
import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { Command } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { Client } from "langsmith";
import { Pool } from "pg";

import { tracedAgent } from "./agent.ts";

// One process of an agent: it starts a thread, or takes up what another process left.
interface Order {
  thread: string;
  /** A text starts; null resumes; an answer goes to who asked. */
  input: string | null | { answer: string };
  world: { modelUrl: string; service: string; stranger: string; databaseUrl: string };
  /** Whether the application makes its own tracer, or leaves it to the environment. */
  tracer?: boolean;
  /** What the application queues for LangSmith goes out only at the end, as behind a slow network. */
  sendLate?: boolean;
}
const {
  thread,
  input,
  world,
  tracer = false,
  sendLate = false,
}: Order = JSON.parse(process.argv[2] ?? "");

const pool = new Pool({ connectionString: world.databaseUrl });
const checkpointer = new PostgresSaver(pool);
await checkpointer.setup();
const agent = tracedAgent({
  ...world,
  checkpointer,
  onEvent: ({ executionId }) => void process.stdout.write(`execution ${executionId}\n`),
});

const client = new Client({ manualFlushMode: sendLate });
const config = {
  configurable: { thread_id: thread },
  durability: "sync" as const,
  ...(tracer ? { callbacks: [new LangChainTracer({ client })] } : {}),
};
const state = await agent.invoke(
  typeof input === "string"
    ? { messages: [{ role: "user", content: input }] }
    : input === null
      ? null
      : new Command({ resume: input.answer }),
  config,
);
reportResult(state.messages.at(-1)?.text);

await awaitAllCallbacks();
await client.flush();
await pool.end();
