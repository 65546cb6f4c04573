import { withMiddleware, wrapModel } from "@evenkeel/core";
import type { EvenkeelEvent, EvenkeelStore } from "@evenkeel/core";
import { replyByTurn, startOpenAIEndpoint } from "@evenkeel/testing";
import type { ChatReply, FreshDatabase, OpenAIEndpoint } from "@evenkeel/testing";
import { HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { recommendedStack } from "evenkeel";
import { z } from "zod";

/** What a tenant's tools do, and what its deployment is configured with. */
export interface TenantParts {
  readonly name: string;
  /** The scope of its runs: two tenants of one scope are one. */
  readonly scope: string;
  readonly tools?: Readonly<Record<string, () => unknown>>;
  readonly turns: readonly ChatReply[];
  readonly tone?: string;
}

/** What a run of a tenant came to. */
export interface TenantRun {
  /** The answers of its tools, in order. */
  readonly answers: readonly ToolMessage[];
  readonly events: readonly EvenkeelEvent[];
}

/** A tenant of a deployment: its own checkpoints, and the store of Evenkeel it shares with all. */
export interface Tenants {
  run(parts: TenantParts): Promise<TenantRun>;
  close(): Promise<void>;
}

/** Threads, calls, contents: everything that can be equal is equal, by way of this one thread. */
export const THREAD = "thread-1";

/** Opens a deployment over one Postgres; each process of it begins anew with a run. */
export async function openTenants(database: FreshDatabase, store: EvenkeelStore): Promise<Tenants> {
  const savers = new Map<string, Promise<PostgresSaver>>();
  const endpoints = new Set<OpenAIEndpoint>();
  // LangGraph keeps checkpoints by thread alone: tenants with equal threads have savers of their own.
  const saverOf = (name: string): Promise<PostgresSaver> => {
    const schema = `${database.schema ?? "checkpoints"}_${name}`;
    const known =
      savers.get(name) ?? setUp(new PostgresSaver(database.pool, undefined, { schema }));
    savers.set(name, known);
    return known;
  };
  return {
    async run({ name, scope, tools = {}, turns, tone = "kind" }) {
      const endpoint = await startOpenAIEndpoint({ script: replyByTurn([...turns]) });
      endpoints.add(endpoint);
      const events: EvenkeelEvent[] = [];
      const made = Object.entries(tools).map(([called, act]) =>
        tool(async () => act(), {
          name: called,
          description: `The tool ${called}.`,
          schema: z.looseObject({}),
        }),
      );
      const model = new ChatOpenAI({
        model: "gpt-5.2",
        apiKey: "none-needed-locally",
        maxRetries: 0,
        configuration: { baseURL: endpoint.url },
      });
      const bound = wrapModel(model).bindTools(made);
      const graph = new StateGraph(MessagesAnnotation)
        .addNode("agent", async ({ messages }) => ({
          messages: [await bound.invoke([new SystemMessage(`You are ${tone}.`), ...messages])],
        }))
        .addNode("tools", new ToolNode(made))
        .addEdge(START, "agent")
        .addConditionalEdges("agent", toolsCondition)
        .addEdge("tools", "agent")
        .compile({ checkpointer: await saverOf(name) });
      const stack = recommendedStack({
        store,
        configFreeze: { store, config: () => ({ tone }) },
        runFlags: { store, baseline: { minRuns: 3 } },
        toolResultOffload: { store, maxTokens: 500 },
        failureRetry: {
          initialInterval: 1,
          maxInterval: 1,
          jitter: false,
          repeatableTools: ["flaky"],
        },
        budget: { retryBudget: { perProvider: 5 } },
        circuitBreaker: {
          store,
          window: 5,
          minimumCalls: 2,
          threshold: 0.5,
          halfOpenAfterMs: 60_000,
          tools: ["broken"],
        },
        toolIdempotency: {
          store,
          onInFlight: "refuse",
          default: "pure",
          tools: { pay: { effect: "once", key: () => "order 7" } },
        },
      });
      const agent = withMiddleware(graph, stack, {
        eventStore: store,
        scope: () => scope,
        onEvent: (event) => void events.push(event),
      });
      const { messages } = await agent.invoke(
        { messages: [new HumanMessage("Please.")] },
        { configurable: { thread_id: THREAD } },
      );
      return { answers: answersOf(messages), events };
    },
    close: async () => {
      await Promise.all([...endpoints].map((endpoint) => endpoint.close()));
    },
  };
}

async function setUp(saver: PostgresSaver): Promise<PostgresSaver> {
  await saver.setup();
  return saver;
}

/** Of the newest input: the thread goes on from run to run. */
function answersOf(messages: readonly BaseMessage[]): ToolMessage[] {
  const asked = messages.findLastIndex((message) => HumanMessage.isInstance(message));
  return messages.slice(asked).filter((message) => ToolMessage.isInstance(message));
}
