import { withMiddleware, wrapModel } from "@evenkeel/core";
import type { AnyMiddleware } from "@evenkeel/core";
import { startOpenAIEndpoint } from "@evenkeel/testing";
import type { ChatRequest, ChatScript, OpenAIEndpoint } from "@evenkeel/testing";
import { SystemMessage } from "@langchain/core/messages";
import type { AIMessage, BaseMessage, ToolMessage } from "@langchain/core/messages";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent } from "langchain";

/** What a test hands in for both agents; made anew for each, so that no state is shared. */
export interface AgentParts {
  readonly script: ChatScript;
  readonly tools: StructuredToolInterface[];
  /** LangChain's middleware; `model` makes a chat model on the agent's own endpoint. */
  readonly middleware: (model: (name?: string) => ChatOpenAI) => unknown[];
  readonly systemPrompt?: string;
  /** A tool's errors end the run, as they do in `createAgent` with any `wrapToolCall`. @default false */
  readonly fatalToolErrors?: boolean;
}

/** One of the two agents at work. */
export interface TestAgent {
  /** Runs an input or a Command; gives the messages and pauses, or the error, in comparable form. */
  turn(input: unknown): Promise<Turn>;
  /** What the model was asked so far, as it came over the wire. */
  asked(): Asked[];
  /** The state of the thread. */
  state(): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

/** What a turn came to. */
export interface Turn {
  readonly messages?: PlainMessage[];
  readonly interrupts?: unknown[];
  readonly error?: string;
}

/** A message without ids. */
export interface PlainMessage {
  readonly type: string;
  readonly text: string;
  readonly calls?: unknown[];
  readonly answers?: string;
  readonly tool?: string | undefined;
  readonly status?: string | undefined;
}

/** A model request without what differs between any two runs. */
export interface Asked {
  readonly model: string;
  readonly messages: unknown[];
  readonly tools: (string | undefined)[];
  readonly choice: unknown;
}

interface Runnable {
  invoke(input: unknown, config: object): Promise<Record<string, unknown>>;
  getState(config: object): Promise<{ values: unknown }>;
}

const CONFIG = { configurable: { thread_id: "thread-1" } };

/** LangChain's own agent: the standard to meet. */
export async function langChainAgent(make: () => AgentParts): Promise<TestAgent> {
  return start(make, (parts, model) => {
    const agent = createAgent({
      model: model(),
      tools: parts.tools,
      middleware: parts.middleware(model) as never,
      checkpointer: new MemorySaver(),
      ...(parts.systemPrompt === undefined ? {} : { systemPrompt: parts.systemPrompt }),
    });
    return {
      invoke: (input, config) => agent.invoke(input as never, config as never),
      getState: (config) => agent.graph.getState(config),
    };
  });
}

/** A hand-written StateGraph with the same middleware around it. */
export async function graphAgent(make: () => AgentParts): Promise<TestAgent> {
  return start(make, (parts, chat) => {
    const { tools, systemPrompt, fatalToolErrors = false } = parts;
    const model = wrapModel(chat()).bindTools(tools);
    const prompt = systemPrompt === undefined ? [] : [new SystemMessage(systemPrompt)];
    const builder = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({
        messages: [await model.invoke([...prompt, ...messages])],
      }))
      .addNode("tools", new ToolNode(tools, { handleToolErrors: !fatalToolErrors }))
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "agent");
    const middleware = parts.middleware(chat) as AnyMiddleware[];
    return withMiddleware(builder, middleware, { checkpointer: new MemorySaver() });
  });
}

async function start(
  make: () => AgentParts,
  build: (parts: AgentParts, model: (name?: string) => ChatOpenAI) => Runnable,
): Promise<TestAgent> {
  const parts = make();
  const endpoint = await startOpenAIEndpoint({ script: parts.script });
  const agent = build(parts, (name = "gpt-5.2") => chatModel(endpoint, name));
  return {
    turn: async (input) => {
      try {
        return plainTurn(await agent.invoke(input, CONFIG));
      } catch (error) {
        return { error: rootMessage(error) };
      }
    },
    asked: () => endpoint.requests.map(({ body }) => plainRequest(body)),
    state: async () => (await agent.getState(CONFIG)).values as Record<string, unknown>,
    close: () => endpoint.close(),
  };
}

function chatModel(endpoint: OpenAIEndpoint, model: string): ChatOpenAI {
  return new ChatOpenAI({
    model,
    apiKey: "none",
    maxRetries: 0,
    configuration: { baseURL: endpoint.url },
  });
}

function plainTurn({ messages, __interrupt__: pauses }: Record<string, unknown>): Turn {
  const interrupts = (pauses as { value: unknown }[] | undefined)?.map(({ value }) => value);
  return {
    messages: plainMessages(messages as BaseMessage[]),
    ...(interrupts === undefined ? {} : { interrupts }),
  };
}

/** Messages without ids, the answers of one turn in the order of their calls. */
export function plainMessages(messages: BaseMessage[]): PlainMessage[] {
  return inCallOrder(messages.map(plainMessage), ({ answers }) => answers);
}

function plainMessage(message: BaseMessage): PlainMessage {
  const { type } = message;
  // Ids of interrupts, which upstream's retry writes into its message.
  const text = message.text.replaceAll(/[0-9a-f]{32}/g, "id");
  if (type === "tool") {
    const { tool_call_id: answers, name, status = "success" } = message as ToolMessage;
    return { type, text, answers, tool: name, status };
  }
  if (type !== "ai") return { type, text };
  const calls = (message as AIMessage).tool_calls ?? [];
  return { type, text, calls: calls.map(({ id, name, args }) => ({ id, name, args })) };
}

function plainRequest(body: ChatRequest | undefined): Asked {
  if (body === undefined) throw new Error("the request had no body");
  const messages = body.messages.map(({ role, content, tool_calls, tool_call_id }) => ({
    role,
    text: Array.isArray(content) ? content.map((part) => part.text ?? "") : [content ?? ""],
    ...(tool_calls === undefined ? {} : { tool_calls }),
    ...(tool_call_id === undefined ? {} : { tool_call_id }),
  }));
  return {
    model: body.model,
    messages: inCallOrder(messages, (message) => message.tool_call_id),
    tools: (body.tools ?? []).map((tool) => tool.function?.name),
    choice: body.tool_choice ?? null,
  };
}

/** Sorts runs of answers by the call they answer: parallel tools finish in any order. */
function inCallOrder<T>(items: T[], answers: (item: T) => string | undefined): T[] {
  const sorted: T[] = [];
  let run: T[] = [];
  const flush = (): void => {
    sorted.push(...run.toSorted((a, b) => ((answers(a) ?? "") < (answers(b) ?? "") ? -1 : 1)));
    run = [];
  };
  for (const item of items) {
    if (answers(item) === undefined) {
      flush();
      sorted.push(item);
    } else run.push(item);
  }
  flush();
  return sorted;
}

/** The message of the error at the bottom: `createAgent` wraps what leaves a middleware. */
function rootMessage(error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  return root instanceof Error ? root.message : String(root);
}
