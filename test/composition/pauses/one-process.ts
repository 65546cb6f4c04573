import { EvenkeelError, withMiddleware } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { Command, INTERRUPT } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { ChatOpenAI } from "@langchain/openai";
import { recommendedStack } from "evenkeel";
import type pg from "pg";

import { comparable } from "../../../packages/testing/src/survival/comparable.ts";
import { askingAgent } from "./asking-agent.ts";
import type { Asker } from "./asking-agent.ts";

/** What one process of an execution is to do. */
export interface PauseJob {
  readonly asker: Asker;
  /** False for the bare graph. */
  readonly everything: boolean;
  readonly thread: string;
  /** What the user asks; the model pays what it says. */
  readonly asked: string;
  /** Questions the process before has left open. */
  readonly open: readonly Question[];
  /** What a person says to each question, and whether to all that are open at once. */
  readonly answer: unknown;
  readonly together: boolean;
  readonly model: string;
  readonly schema: string;
}

/** A question an execution waits with. */
interface Question {
  readonly id: string;
  readonly value: unknown;
}

/** What a process saw. */
export interface PauseReport {
  /** Questions that are open when it ends. */
  readonly questions: readonly Question[];
  readonly messages: unknown;
  readonly checkpoints: number;
  readonly step: number;
}

interface Runnable {
  invoke(input: unknown, config: object): Promise<Record<string, unknown>>;
  getState(config: object): Promise<{
    values: { messages?: unknown };
    metadata?: { step?: number };
  }>;
}

/** Starts an execution or answers what it asks, as far as the next question or its end. */
export async function oneProcess(job: PauseJob, pool: pg.Pool): Promise<PauseReport> {
  const checkpointer = new PostgresSaver(pool, undefined, { schema: job.schema });
  const model = new ChatOpenAI({
    model: "gpt-5.2",
    apiKey: "none-needed-locally",
    configuration: { baseURL: job.model },
  });
  const pay = (amount: number) =>
    pool.query(`INSERT INTO ${job.schema}.paid VALUES ($1, $2)`, [job.thread, amount]);
  const agent = askingAgent(job.asker, { model, checkpointer, pay });
  const store = evenkeelPostgres(pool, { schema: `${job.schema}_evenkeel` });
  const graph = (
    job.everything
      ? withMiddleware(agent, recommendedStack({ store, toolIdempotency: { leaseMs: 500 } }))
      : "graph" in agent
        ? agent.graph
        : agent
  ) as Runnable;
  const config = { configurable: { thread_id: job.thread }, durability: "sync" };
  const answered = job.together ? job.open : job.open.slice(0, 1);
  const resume = Object.fromEntries(answered.map(({ id }) => [id, job.answer]));
  const first = { messages: [{ role: "user", content: job.asked }] };
  const input = job.open.length === 0 ? first : new Command({ resume });
  let questions: readonly Question[] = [];
  for (;;) {
    try {
      const result = await graph.invoke(input, config);
      questions = (result[INTERRUPT] ?? []) as Question[];
      break;
    } catch (error) {
      if (!EvenkeelError.isInstance(error, "execution-busy")) throw error;
      await new Promise((later) => setTimeout(later, 50));
    }
  }
  const { values, metadata } = await graph.getState(config);
  let checkpoints = 0;
  for await (const _checkpoint of checkpointer.list({ configurable: config.configurable })) {
    checkpoints += 1;
  }
  return {
    questions: questions
      .map(({ id, value }) => ({ id, value }))
      .toSorted((one, other) => (JSON.stringify(one.value) < JSON.stringify(other.value) ? -1 : 1)),
    messages: JSON.parse(
      JSON.stringify(comparable(values.messages), (key, value: unknown) =>
        key === "metadata" ? undefined : value,
      ),
    ),
    checkpoints,
    step: metadata?.step ?? -1,
  };
}
