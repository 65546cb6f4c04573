import { withMiddleware, wrapModel } from "@evenkeel/core";
import { failureRetryMiddleware } from "@evenkeel/failure-retry";
import type { FailureRetryMiddlewareOptions } from "@evenkeel/failure-retry";
import { startOpenAIEndpoint } from "@evenkeel/testing";
import type { ChatRequest } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import type { LLMResult } from "@langchain/core/outputs";
import { MemorySaver } from "@langchain/langgraph";
import { ToolNode, createReactAgent } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";

import { seenIn, succeeded } from "./tasks.ts";
import type { Task } from "./tasks.ts";

/** How a task went. */
export interface TaskResult {
  readonly task: string;
  readonly model: string;
  readonly done: boolean;
  readonly attempts: number;
  readonly modelCalls: number;
  readonly promptTokens: number;
  /** The last failure context as the endpoint received it; empty on a real model. */
  readonly context: string;
  /** Every request body, as the endpoint received it. */
  readonly requests: readonly ChatRequest[];
}

/** Runs a task on its scripted model behind the local endpoint, or on a real one. */
export async function runTask(
  task: Task,
  options: FailureRetryMiddlewareOptions = {},
  apiKey?: string,
): Promise<TaskResult> {
  const endpoint = await startOpenAIEndpoint({ script: (request) => task.think(seenIn(request)) });
  const model = new ChatOpenAI({
    model: process.env["OPENAI_MODEL"] ?? "gpt-5.2",
    apiKey: apiKey ?? "none-needed-locally",
    maxRetries: 0,
    ...(apiKey === undefined ? { configuration: { baseURL: endpoint.url } } : {}),
  });
  let attempts = 1;
  let promptTokens = 0;
  let modelCalls = 0;
  const agent = withMiddleware(
    createReactAgent({
      llm: wrapModel(model),
      tools: new ToolNode(task.tools(), { handleToolErrors: false }),
      checkpointer: new MemorySaver(),
    }),
    [failureRetryMiddleware({ initialInterval: 0, jitter: false, ...options })],
    { onEvent: ({ name }) => void (attempts += name === "attempt-started" ? 1 : 0) },
  );
  const counting = {
    handleLLMEnd: ({ generations }: LLMResult) => {
      const generation = generations[0]?.[0] as
        | { message?: { usage_metadata?: { input_tokens: number } } }
        | undefined;
      promptTokens += generation?.message?.usage_metadata?.input_tokens ?? 0;
      modelCalls += 1;
    },
  };
  try {
    const result = (await agent
      .invoke(
        { messages: [new HumanMessage(task.user)] },
        { configurable: { thread_id: task.name }, callbacks: [counting] },
      )
      .catch((error: unknown) => error)) as { messages?: BaseMessage[] };
    const text = result.messages?.at(-1)?.text ?? "";
    const requests = endpoint.requests.map(({ body }) => body as ChatRequest);
    return {
      task: task.name,
      model: apiKey === undefined ? task.model : model.model,
      done: succeeded(task, text),
      attempts,
      modelCalls,
      promptTokens,
      context:
        requests.map((request) => seenIn(request).context).findLast((one) => one !== "") ?? "",
      requests,
    };
  } finally {
    await endpoint.close();
  }
}
