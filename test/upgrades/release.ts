import { withMiddleware, wrapModel } from "@evenkeel/core";
import type { EvenkeelEvent } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { startOpenAIEndpoint } from "@evenkeel/testing";
import type { ChatRequest, FreshDatabase } from "@evenkeel/testing";
import { SystemMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph, interrupt } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { recommendedStack } from "evenkeel";
import { z } from "zod";

import { schemaOf } from "./database-fixture.ts";

/** The thread that the first release left waiting for a person. */
export const THREAD = "paused in the first release";

/** What a deployment did with an input. */
export interface Ran {
  readonly messages: readonly BaseMessage[];
  readonly events: readonly EvenkeelEvent[];
  /** What the model was asked. */
  readonly asked: readonly ChatRequest[];
  /** What its tools did in the world. */
  readonly done: readonly string[];
}

/** How a deployment differs from the one before. */
export interface Release {
  readonly prompt: string;
  /** The calls of the execution in order, whoever makes them; then it is done. */
  readonly calls: readonly { readonly name: string; readonly args?: object }[];
  readonly broken: boolean;
}

/** A deployment of an agent with all of Evenkeel, which pays, reads, fails and asks. */
export async function runRelease(
  { prompt, calls, broken }: Release,
  database: FreshDatabase,
  input: unknown,
): Promise<Ran> {
  const endpoint = await startOpenAIEndpoint({
    script: ({ messages }) => {
      const answered = messages.filter(({ role }) => role === "tool").length;
      const next = calls[answered];
      if (next === undefined) return { content: "All is done." };
      return { toolCalls: [{ id: `call-${answered}`, name: next.name, args: next.args ?? {} }] };
    },
  });
  const { pool } = database;
  const done: string[] = [];
  const events: EvenkeelEvent[] = [];
  const make = (name: string, act: () => string) =>
    tool(() => act(), { name, description: `The tool ${name}.`, schema: z.looseObject({}) });
  const tools = [
    make("report", () =>
      Array.from({ length: 700 }, (_, row) => `row ${row} of the report`).join("\n"),
    ),
    make("pay", () => `paid, receipt ${done.push("pay")}`),
    make("broken", () => {
      done.push("broken");
      if (!broken) return "mended";
      throw Object.assign(new Error("503 Service Unavailable"), { status: 503 });
    }),
    make("approve", () => `approved: ${String(interrupt("Approve?"))}`),
  ];
  const model = new ChatOpenAI({
    model: "gpt-5.2",
    apiKey: "none-needed-locally",
    maxRetries: 0,
    configuration: { baseURL: endpoint.url },
  });
  const bound = wrapModel(model).bindTools(tools);
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({
      messages: [await bound.invoke([new SystemMessage(prompt), ...messages])],
    }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({
      checkpointer: new PostgresSaver(pool, undefined, {
        schema: schemaOf(database, "checkpoints"),
      }),
    });
  const store = evenkeelPostgres(pool, { schema: schemaOf(database, "evenkeel") });
  const stack = recommendedStack({
    store,
    configFreeze: { store, config: () => ({ tone: prompt }) },
    toolResultOffload: { store, maxTokens: 500 },
    failureRetry: { initialInterval: 1, jitter: false, maxCallTries: 1 },
    budget: { perExecution: { toolCalls: 50 } },
    circuitBreaker: {
      store,
      window: 4,
      minimumCalls: 2,
      threshold: 0.5,
      halfOpenAfterMs: 200,
      tools: ["broken"],
    },
    toolIdempotency: {
      store,
      default: "pure",
      tools: { pay: { effect: "once", key: () => "order 7" } },
    },
  });
  const agent = withMiddleware(graph, stack, {
    eventStore: store,
    onEvent: (event) => void events.push(event),
  });
  try {
    const { messages } = await agent.invoke(input as never, {
      configurable: { thread_id: THREAD },
    });
    return {
      messages,
      events,
      asked: endpoint.requests.map(({ body }) => body as ChatRequest),
      done,
    };
  } finally {
    await endpoint.close();
  }
}
