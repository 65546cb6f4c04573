import { withMiddleware, wrapModel } from "@evenkeel/core";
import { startLangSmithEndpoint, startOpenAIEndpoint } from "@evenkeel/testing";
import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { HumanMessage } from "@langchain/core/messages";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { MemorySaver } from "@langchain/langgraph";
import { ToolNode, createReactAgent } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { Client } from "langsmith";
import { expect, test } from "vitest";

import { failureRetryMiddleware } from "../src/index.ts";
import { QUICK, toolOf } from "./support/shop.ts";

// Of known forms, planted where an agent meets them.
const SECRETS = {
  argument: "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD",
  result: "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
  password: "correct-horse-battery",
  header:
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
  url: "postgres://admin:hunter22@db.internal/orders",
};

function leaks(text: string): string[] {
  const planted = { ...SECRETS, url: "hunter22" };
  return Object.entries(planted).flatMap(([name, secret]) => (text.includes(secret) ? [name] : []));
}

test("secrets of errors, arguments and results are in no context, no private state and no later run", async () => {
  let calls = 0;
  const endpoint = await startOpenAIEndpoint({
    script: () => {
      calls += 1;
      if (calls === 1)
        return {
          toolCalls: [
            { name: "list", args: { apiKey: SECRETS.argument, password: SECRETS.password } },
          ],
        };
      if (calls === 2)
        return {
          toolCalls: [{ name: "fetch", args: { url: `${SECRETS.url}?key=${SECRETS.argument}` } }],
        };
      return { content: "I could not fetch it." };
    },
  });
  const langsmith = await startLangSmithEndpoint();
  const client = new Client({ apiUrl: langsmith.url, apiKey: "none-needed-locally" });
  const checkpointer = new MemorySaver();
  const cause = Object.assign(new Error(`denied: Bearer ${SECRETS.header}`), {
    token: SECRETS.result,
  });
  const agent = withMiddleware(
    createReactAgent({
      llm: wrapModel(
        new ChatOpenAI({
          model: "gpt-5.2",
          apiKey: "x",
          maxRetries: 0,
          configuration: { baseURL: endpoint.url },
        }),
      ),
      tools: new ToolNode(
        [
          toolOf("list", () =>
            JSON.stringify({ token: SECRETS.result, password: SECRETS.password, rows: [1, 2] }),
          ),
          toolOf("fetch", () => {
            throw new Error(
              `${"x".repeat(400)} ${SECRETS.url} Authorization: Bearer ${SECRETS.header}`,
              { cause },
            );
          }),
        ],
        { handleToolErrors: false },
      ),
      checkpointer,
    }),
    [failureRetryMiddleware(QUICK)],
  );
  const config = { configurable: { thread_id: "t" }, callbacks: [new LangChainTracer({ client })] };
  await agent.invoke({ messages: [new HumanMessage("Fetch the orders.")] }, config);
  await awaitAllCallbacks();
  await client.awaitPendingTraceBatches();

  const told = JSON.stringify(endpoint.requests.at(-1)?.body);
  expect(told).toContain("1. list");
  expect(told).toContain("2. fetch");
  expect(leaks(told)).toEqual([]);

  const kept: unknown[] = [];
  for await (const { checkpoint, pendingWrites = [] } of checkpointer.list({
    configurable: { thread_id: "t" },
  })) {
    kept.push(checkpoint.channel_values["_failureRetry"], checkpoint.channel_values["_execution"]);
    kept.push(...pendingWrites.filter(([, channel]) => /^_[a-z]/i.test(channel)));
  }
  expect(JSON.stringify(kept)).toContain("attempt:1");
  expect(leaks(JSON.stringify(kept))).toEqual([]);

  const [root] = langsmith.roots();
  const attempts = langsmith.runs.filter(({ parent_run_id }) => parent_run_id === root?.id);
  const second = attempts.find(({ metadata }) => metadata["execution_attempt"] === 2);
  const below = langsmith.runs.filter(({ dotted_order }) =>
    dotted_order.startsWith(second?.dotted_order ?? "none"),
  );
  expect(below.length).toBeGreaterThan(1);
  expect(leaks(JSON.stringify(below))).toEqual([]);
  expect(leaks(JSON.stringify([root?.tags, root?.metadata]))).toEqual([]);
  await Promise.all([endpoint.close(), langsmith.close()]);
});
