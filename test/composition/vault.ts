import { defineMiddleware, withMiddleware, wrapModel } from "@evenkeel/core";
import type { EvenkeelEvent, EvenkeelStore } from "@evenkeel/core";
import type { ChatReply, ChatRequest } from "@evenkeel/testing";
import { SystemMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { recommendedStack } from "evenkeel";
import { createAgent, createMiddleware } from "langchain";
import { z } from "zod";

/** A key of a known form. */
const key = (place: string): string => `sk-${place}-Pl4nted0123456789`;

/** What is planted, by place: keys of a known form where text is free, words where a name says what they are. */
export const SECRETS = {
  configurable: "word-in-configurable",
  context: "word-in-context",
  metadata: "word-in-metadata",
  option: "word-in-option",
  apiKey: "word-in-api-key",
  header: "word-in-header",
  prompt: key("prompt"),
  user: key("user"),
  argument: "word-in-argument",
  argumentText: key("argument"),
  result: "word-in-result",
  resultText: key("result"),
  large: key("large"),
  receipt: key("receipt"),
  error: key("error"),
  errorWord: "word-in-error",
  cause: "word-in-cause",
} as const;

/** Which planted secrets a text holds. */
export function leaks(text: string): string[] {
  return Object.entries(SECRETS).flatMap(([place, secret]) =>
    text.includes(secret) ? [place] : [],
  );
}

/** The kinds of graph. */
export const KINDS = ["StateGraph", "createAgent"] as const;

/** What the model says: one tool after the other, `fetch` again until it has worked. */
export function script({ messages }: ChatRequest): ChatReply {
  const said = JSON.stringify(messages.filter(({ role }) => role === "tool"));
  const { argument, argumentText } = SECRETS;
  const args = { password: argument, note: `with ${argumentText}` };
  const steps = [
    { name: "look_up", done: "looked up" },
    { name: "report", done: "the report" },
    { name: "charge", done: "charged" },
    { name: "fetch", done: "fetched" },
  ];
  const next = steps.find(({ done }) => !said.includes(done));
  return next === undefined
    ? { content: "All is done." }
    : { toolCalls: [{ name: next.name, args }] };
}

function tools(): StructuredToolInterface[] {
  let fetches = 0;
  const { result, resultText, large, receipt, error, errorWord, cause } = SECRETS;
  const make = (name: string, act: () => string): StructuredToolInterface =>
    tool(async () => act(), {
      name,
      description: `The tool ${name}.`,
      schema: z.object({ password: z.string(), note: z.string() }),
    });
  const lines = Array.from({ length: 2_000 }, (_, row) => `row ${row} of the report`);
  return [
    make("look_up", () =>
      JSON.stringify({ did: "looked up", token: result, text: `see ${resultText}` }),
    ),
    make("report", () => [...lines.slice(0, 900), large, ...lines.slice(900)].join("\n")),
    make("charge", () => `charged, receipt ${receipt}`),
    make("fetch", () => {
      fetches += 1;
      if (fetches > 1) return "fetched";
      const why = `connect failed: 503 for ${error}, password=${errorWord}`;
      throw Object.assign(new Error(why, { cause: new Error(`token=${cause}`) }), {
        status: 503,
        token: cause,
      });
    }),
  ];
}

/** Where an agent runs, and with what around it. */
export interface VaultWorld {
  readonly kind: (typeof KINDS)[number];
  readonly modelUrl: string;
  readonly checkpointer: BaseCheckpointSaver;
  /** All of Evenkeel over this store; undefined for the bare graph. */
  readonly store?: EvenkeelStore | undefined;
  readonly onEvent?: (event: EvenkeelEvent) => void;
}

/** The part of a graph the tests drive. */
export interface VaultAgent {
  stream(input: unknown, config: object): Promise<AsyncIterable<[mode: string, chunk: unknown]>>;
}

/** An agent that meets a secret wherever it goes. */
export function vaultAgent(world: VaultWorld): VaultAgent {
  const built = build(world);
  const { store, onEvent } = world;
  if (store === undefined) return ((built as { graph?: object }).graph ?? built) as VaultAgent;
  const stack = recommendedStack({
    store,
    configFreeze: { store, config: () => ({ plan: "gold" }) },
    toolResultOffload: { store, maxTokens: 500 },
    failureRetry: { initialInterval: 1, jitter: false, maxCallTries: 1 },
    circuitBreaker: { store, window: 2, minimumCalls: 1, threshold: 0.1, halfOpenAfterMs: 1 },
    toolIdempotency: {
      store,
      tools: { look_up: "pure", report: "pure", charge: "once", fetch: "idempotent" },
    },
  });
  const own = defineMiddleware({
    name: "ownMiddleware",
    options: { apiKey: SECRETS.option, nested: { token: SECRETS.option } },
  });
  return withMiddleware(built, [...stack, own], {
    eventStore: store,
    ...(onEvent === undefined ? {} : { onEvent }),
  }) as unknown as VaultAgent;
}

// In createAgent a middleware of the user's own around tools makes their errors fatal.
const idle = createMiddleware({
  name: "idle",
  wrapToolCall: async (request, handler) => handler(request),
});

function build({ kind, modelUrl, checkpointer }: VaultWorld): object {
  const model = new ChatOpenAI({
    model: "gpt-5.2",
    apiKey: SECRETS.apiKey,
    maxRetries: 0,
    configuration: { baseURL: modelUrl, defaultHeaders: { "x-bank-token": SECRETS.header } },
  });
  const prompt = `You help. The key is ${SECRETS.prompt}.`;
  const own = tools();
  if (kind === "createAgent")
    return createAgent({
      model,
      tools: own,
      systemPrompt: prompt,
      checkpointer,
      middleware: [idle],
    });
  const bound = wrapModel(model).bindTools(own);
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({
      messages: [await bound.invoke([new SystemMessage(prompt), ...messages])],
    }))
    .addNode("tools", new ToolNode(own, { handleToolErrors: false }))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer });
}

/** What a caller hands to a run. */
export function vaultConfig(threadId: string): object {
  return {
    configurable: { thread_id: threadId, bank_token: SECRETS.configurable },
    context: { password: SECRETS.context },
    metadata: { customer_token: SECRETS.metadata },
  };
}
