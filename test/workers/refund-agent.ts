import { withMiddleware, wrapModel } from "@evenkeel/core";
import type { EvenkeelEvent } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import {
  effectTransaction,
  idempotencyKey,
  toolIdempotencyMiddleware,
} from "@evenkeel/tool-idempotency";
import type { Reconciled } from "@evenkeel/tool-idempotency";
import type { BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import type { Pool, PoolClient } from "pg";
import { z } from "zod";

/** What an agent is connected to. */
export interface AgentParts {
  readonly pool: Pool;
  /** Base URL of the model's endpoint. */
  readonly model: string;
  /** Base URL of the payment service. */
  readonly payments: string;
  readonly leaseMs: number;
  readonly onEvent?: (event: EvenkeelEvent) => void;
}

/** The agent as a worker drives it. */
export interface RefundAgent {
  invoke(
    input: { messages: BaseMessage[] } | null,
    config: object,
  ): Promise<{ messages: BaseMessage[] }>;
  readonly saver: PostgresSaver;
}

const SCHEMAS = { checkpoints: "agent", ledger: "evenkeel" } as const;

/** What an execution does: each of these once. */
export const EFFECTS = ["refund", "notify"] as const;

/** Creates the tables of checkpoints, ledger, and of what is credited in transactions. */
export async function setUpAgent(pool: Pool): Promise<void> {
  await new PostgresSaver(pool, undefined, { schema: SCHEMAS.checkpoints }).setup();
  await evenkeelPostgres(pool, { schema: SCHEMAS.ledger }).setup();
  await pool.query(`CREATE TABLE IF NOT EXISTS "${SCHEMAS.ledger}".credits (thread text)`);
}

/** How often credit was granted, by thread. */
export async function creditsIn(pool: Pool): Promise<ReadonlyMap<string, number>> {
  const { rows } = await pool.query<{ thread: string; times: string }>(
    `SELECT thread, count(*) AS times FROM "${SCHEMAS.ledger}".credits GROUP BY thread`,
  );
  return new Map(rows.map(({ thread, times }) => [thread, Number(times)]));
}

/** An ordinary StateGraph that refunds (keyed), notifies (once) and credits (transactional) in one turn. */
export function refundAgent({ pool, payments, leaseMs, ...parts }: AgentParts): RefundAgent {
  const shape = { schema: z.object({ thread: z.string() }) };
  const pay = async (thread: string, about: string, deduplicates: boolean): Promise<string> => {
    const body = JSON.stringify({ thread, about, key: idempotencyKey(), deduplicates });
    const response = await fetch(payments, { method: "POST", body });
    if (!response.ok) throw new Error(`The payment service answered ${response.status}.`);
    return `${about}: done`;
  };
  const tools = [
    tool(({ thread }) => pay(thread, "refund", true), {
      name: "refund",
      description: "Pays back.",
      ...shape,
    }),
    tool(({ thread }) => pay(thread, "notify", false), {
      name: "notify",
      description: "Writes to the customer.",
      ...shape,
    }),
    tool(
      async ({ thread }) => {
        const client = effectTransaction<PoolClient>();
        await client.query(`INSERT INTO "${SCHEMAS.ledger}".credits VALUES ($1)`, [thread]);
        return "credit: done";
      },
      { name: "credit", description: "Grants store credit.", ...shape },
    ),
  ];
  const llm = wrapModel(
    new ChatOpenAI({
      model: "gpt-5.2",
      apiKey: "none-needed-locally",
      maxRetries: 0,
      configuration: { baseURL: parts.model },
    }),
  );
  const saver = new PostgresSaver(pool, undefined, { schema: SCHEMAS.checkpoints });
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({
      messages: [await llm.bindTools(tools).invoke(messages)],
    }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer: saver });
  const once = toolIdempotencyMiddleware({
    store: evenkeelPostgres(pool, { schema: SCHEMAS.ledger }),
    leaseMs,
    tools: {
      refund: "keyed",
      credit: "transactional",
      notify: { effect: "once", reconcile: (key) => lookUp(payments, key) },
    },
  });
  const { onEvent = () => undefined } = parts;
  const agent = withMiddleware(graph, [once], { onEvent });
  return {
    saver,
    invoke: async (input, config) => await agent.invoke(input, config),
  };
}

async function lookUp(payments: string, key: string): Promise<Reconciled> {
  const response = await fetch(`${payments}?key=${key}`);
  const { done } = (await response.json()) as { done: boolean };
  return done ? { status: "done", result: "notify: done" } : { status: "not-done" };
}
