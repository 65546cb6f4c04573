import { setTimeout as sleep } from "node:timers/promises";

import { withMiddleware } from "@evenkeel/core";
import { failureRetryMiddleware } from "@evenkeel/failure-retry";
import { startOpenAIEndpoint } from "@evenkeel/testing";
import type { ChatFault, ChatReply } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MemorySaver, interrupt } from "@langchain/langgraph";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent, modelRetryMiddleware, toolRetryMiddleware } from "langchain";
import { z } from "zod";

/** Who retries. */
export type Side = "langchain" | "evenkeel";

/** What goes wrong, by the number of the request or of the tool's execution, from 0. */
export interface Trouble {
  readonly name: string;
  readonly model?: (request: number) => ChatFault | "slow" | undefined;
  readonly tool?: (execution: number) => Error | "interrupt" | undefined;
  /** Milliseconds after the first request at which the caller aborts. */
  readonly abortAfterMs?: number;
  /** The pause before the second try. @default 20 */
  readonly initialMs?: number;
}

/** How a side took it. */
export interface Taken {
  readonly trouble: string;
  readonly side: Side;
  readonly modelRequests: number;
  readonly toolRuns: number;
  /** From the input to the end; from the abort on, where there was one. */
  readonly ms: number;
  readonly ended: "answered" | "paused" | "failed" | "answered with an error";
}

const status = (code: number, retryAfterMs?: number): ChatFault => ({
  status: code,
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});
const unavailable = (): Error => Object.assign(new Error("503 unavailable"), { status: 503 });

/** The schedule. */
export const TROUBLES: readonly Trouble[] = [
  { name: "model: one 503", model: (request) => (request === 0 ? status(503) : undefined) },
  {
    name: "model: 429, Retry-After 1 s",
    model: (request) => (request === 0 ? status(429, 1_000) : undefined),
  },
  { name: "model: hard down", model: () => status(503) },
  { name: "model: flapping", model: (request) => (request % 2 === 0 ? status(503) : undefined) },
  { name: "model: slow", model: () => "slow" },
  { name: "model: bad request", model: () => status(400) },
  { name: "tool: one 503", tool: (execution) => (execution === 0 ? unavailable() : undefined) },
  { name: "tool: hard down", tool: unavailable },
  { name: "tool: interrupt", tool: () => "interrupt" },
  { name: "abort in the pause", model: () => status(503), abortAfterMs: 100, initialMs: 5_000 },
];

/** Plays one trouble through one side: an agent that calls a tool once and answers. */
export async function playFault(
  trouble: Trouble,
  side: Side,
  lingerMs: number = 0,
): Promise<Taken> {
  let requests = 0;
  let runs = 0;
  let abortedAt: number | undefined;
  const stop = new AbortController();
  const endpoint = await startOpenAIEndpoint({
    script: ({ messages }): ChatReply => {
      if (requests === 0 && trouble.abortAfterMs !== undefined) {
        setTimeout(() => {
          abortedAt = performance.now();
          stop.abort();
        }, trouble.abortAfterMs);
      }
      const fault = trouble.model?.(requests);
      requests += 1;
      if (fault !== undefined && fault !== "slow") return { fault };
      const delay = fault === "slow" ? { delayMs: 300 } : {};
      const answered = messages.some(({ role }) => role === "tool");
      return answered
        ? { content: "Probed.", ...delay }
        : { toolCalls: [{ name: "probe", args: {} }], ...delay };
    },
  });
  const probe = tool(
    () => {
      const error = trouble.tool?.(runs);
      runs += 1;
      if (error === "interrupt") return String(interrupt("may I?"));
      if (error !== undefined) throw error;
      return "fine";
    },
    { name: "probe", description: "Probes.", schema: z.object({}) },
  );
  const model = new ChatOpenAI({
    model: "gpt-5.2",
    apiKey: "none-needed-locally",
    maxRetries: 0,
    configuration: { baseURL: endpoint.url },
  });
  const agent = build(side, { model, tools: [probe] }, trouble.initialMs ?? 20);
  const before = performance.now();
  const result = await agent
    .invoke(
      { messages: [new HumanMessage("Probe it.")] },
      { configurable: { thread_id: "t" }, signal: stop.signal },
    )
    .catch(() => undefined);
  const ms = Math.round(performance.now() - (abortedAt ?? before));
  // What goes on behind the caller's back after an abort still counts.
  if (lingerMs > 0 && abortedAt !== undefined) await sleep(lingerMs);
  await endpoint.close();
  return {
    trouble: trouble.name,
    side,
    modelRequests: requests,
    toolRuns: runs,
    ms,
    ended: endOf(result),
  };
}

interface Parts {
  readonly model: ChatOpenAI;
  readonly tools: Parameters<typeof createAgent>[0]["tools"];
}
interface Agent {
  invoke(input: unknown, config: object): Promise<Record<string, unknown>>;
}

function build(side: Side, { model, tools = [] }: Parts, initialMs: number): Agent {
  const checkpointer = new MemorySaver();
  if (side === "langchain") {
    const delays = { maxRetries: 2, initialDelayMs: initialMs, jitter: false };
    const middleware = [modelRetryMiddleware(delays), toolRetryMiddleware(delays)];
    // Their own types do not fit their own parameter under exactOptionalPropertyTypes.
    const options = { model, tools, middleware, checkpointer } as unknown as Parameters<
      typeof createAgent
    >[0];
    return createAgent(options);
  }
  const retry = failureRetryMiddleware({
    maxAttempts: 1,
    maxCallTries: 3,
    initialInterval: initialMs,
    jitter: false,
    repeatableTools: ["probe"],
  });
  return withMiddleware(createAgent({ model, tools, checkpointer }), [retry]);
}

function endOf(result: Record<string, unknown> | undefined): Taken["ended"] {
  if (result === undefined) return "failed";
  if ("__interrupt__" in result) return "paused";
  const messages = result["messages"] as BaseMessage[];
  return messages.at(-1)?.text === "Probed." && !JSON.stringify(messages).includes("failed after")
    ? "answered"
    : "answered with an error";
}
