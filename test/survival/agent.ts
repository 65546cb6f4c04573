import { withMiddleware, wrapModel } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import type { SurvivalParts } from "@evenkeel/testing";
import { idempotencyKey } from "@evenkeel/tool-idempotency";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { recommendedStack } from "evenkeel";
import pg from "pg";
import { z } from "zod";

const payments = new pg.Pool({ connectionString: process.env["PAYMENTS_URL"], max: 1 });
const schema = z.object({ order: z.string() });

/** A support agent whose payment service deduplicates by the key it is given. */
function support(keyOf: () => string) {
  const lookUp = tool(() => "A1 was charged twice", { name: "look_up", schema });
  const refund = tool(
    async ({ order }, { configurable }) => {
      await payments.query("INSERT INTO refunds VALUES ($1, $2) ON CONFLICT DO NOTHING", [
        configurable?.["thread_id"],
        keyOf(),
      ]);
      return `refunded ${order}`;
    },
    { name: "refund", schema },
  );
  const tools = [lookUp, refund];
  const model = wrapModel(
    new ChatOpenAI({
      model: "gpt-5.2",
      apiKey: "none-needed-locally",
      configuration: { baseURL: process.env["MODEL_URL"] },
    }),
  ).bindTools(tools);
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent");
}

/** The agent as LangGraph runs it: its tool makes up a key each time. */
export const bare = support(() => crypto.randomUUID()).compile();

/** The agent with all of Evenkeel around it. */
export async function agent({ pool }: SurvivalParts) {
  const store = evenkeelPostgres(pool);
  await store.setup();
  // A resume waits for the lease of the worker that was killed.
  const leaseMs = 1_000;
  const toolIdempotency = { leaseMs, tools: { look_up: "pure", refund: "keyed" } } as const;
  return withMiddleware(support(idempotencyKey), recommendedStack({ store, toolIdempotency }));
}
