import { memoryStore, withMiddleware, wrapModel } from "@evenkeel/core";
import type { EvenkeelEvent, ResultStore } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import type { ScriptedModel } from "@evenkeel/testing";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { MemorySaver } from "@langchain/langgraph";
import type { InMemoryStore } from "@langchain/langgraph";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { createDeepAgent } from "deepagents";

import { langchainAgent, stateGraph } from "../../../testing/src/conformance/graph-kind.ts";
import type { GraphKind } from "../../../testing/src/conformance/graph-kind.ts";
import type { ScriptedTurns } from "../../../testing/src/model/scripted-turn.ts";
import { recallResult, toolResultOffloadMiddleware } from "../../src/index.ts";
import type { ToolResultOffloadOptions } from "../../src/index.ts";

const reactAgent: GraphKind = {
  name: "createReactAgent",
  build: ({ model, tools, checkpointer, store }) =>
    createReactAgent({
      llm: wrapModel(model),
      tools: [...tools],
      checkpointSaver: checkpointer,
      ...(store === undefined ? {} : { store }),
    }),
};

/** Deepagents: a large stack of its own, with files to which it moves what is large. */
const deepAgent: GraphKind = {
  name: "deepagents",
  build: ({ model, tools, checkpointer, store }) =>
    createDeepAgent({
      model,
      tools: [...tools],
      checkpointer,
      ...(store === undefined ? {} : { store }),
    }),
};

/** Every kind of agent a behaviour is shown on. */
export const KINDS: readonly GraphKind[] = [stateGraph, reactAgent, langchainAgent, deepAgent];

/** A text of so many bytes, no two lines of it alike. */
export function report(bytes: number, word = "order"): string {
  let text = "";
  for (let line = 1; text.length < bytes; line += 1) text += `${word} ${line} was shipped\n`;
  return text.slice(0, bytes);
}

/** A tool of any name that answers what it is told to. */
export function answering(name: string, answer: (args: never) => unknown): StructuredToolInterface {
  return tool(answer as (args: unknown) => unknown, {
    name,
    description: `the tool ${name}`,
    schema: { type: "object", properties: {}, additionalProperties: true },
  });
}

/** A tool that answers with text and an artifact, as `responseFormat` has it. */
export function withArtifact(
  name: string,
  answer: () => [unknown, unknown],
): StructuredToolInterface {
  return tool(answer, {
    name,
    description: `the tool ${name}`,
    schema: { type: "object", properties: {} },
    responseFormat: "content_and_artifact",
  });
}

/** One call of a tool in a scripted turn. */
export function calls(...list: readonly { name: string; args?: object; id?: string }[]): {
  toolCalls: { id: string; name: string; args: object }[];
} {
  return {
    toolCalls: list.map(({ name, args = {}, id = `call_${name}` }) => ({ id, name, args })),
  };
}

interface Agent {
  invoke(input: object | null, config: object): Promise<{ messages: BaseMessage[] }>;
  getState(config: object): Promise<{ values: unknown }>;
}

interface Shop {
  invoke(
    thread?: string,
    messages?: readonly BaseMessage[] | null,
    config?: object,
  ): Promise<ToolMessage[]>;
  readonly model: ScriptedModel;
  readonly checkpointer: MemorySaver;
  readonly events: EvenkeelEvent[];
  readonly store: ResultStore;
  /** The state of the first thread. */
  values(): Promise<unknown>;
  /** All that the checkpointer holds, as text. */
  stored(): string;
  /** All that the checkpointer and the model saw, as text. */
  everything(): string;
}

/** What a shop is built of. */
export interface ShopParts {
  kind?: GraphKind;
  turns: ScriptedTurns;
  tools: readonly StructuredToolInterface[];
  options?: ToolResultOffloadOptions;
  store?: ResultStore;
  scope?: string;
  /** Leaves the middleware out. */
  bare?: boolean;
  /** Leaves out the `store` option, so that results go to the graph's own store. */
  graphStore?: InMemoryStore;
}

/** An agent with the middleware, and all that can be looked into. */
export async function shop(parts: ShopParts): Promise<Shop> {
  const { kind = stateGraph, turns, tools, options, graphStore, scope } = parts;
  const store = parts.store ?? memoryStore();
  const model = scriptedModel(turns);
  const checkpointer = new MemorySaver();
  const events: EvenkeelEvent[] = [];
  const graph = await kind.build({ model, tools, checkpointer, store: graphStore });
  const offload = toolResultOffloadMiddleware({
    ...(graphStore === undefined ? { store } : {}),
    ...options,
  });
  const agent = withMiddleware(graph as never, parts.bare === true ? [] : [offload], {
    onEvent: (event: EvenkeelEvent) => void events.push(event),
    ...(scope === undefined ? {} : { scope: () => scope }),
  }) as unknown as Agent;
  return {
    model,
    checkpointer,
    events,
    store,
    async invoke(thread = "thread-1", messages = [new HumanMessage("Please.")], config = {}) {
      const configurable = { thread_id: thread };
      const input = messages === null ? null : { messages };
      const result = await agent.invoke(input, { configurable, ...config });
      return result.messages.filter((message) => ToolMessage.isInstance(message));
    },
    async values() {
      const state = await agent.getState({ configurable: { thread_id: "thread-1" } });
      return state.values;
    },
    stored: () => rawCheckpoints(checkpointer),
    everything: () => rawCheckpoints(checkpointer) + JSON.stringify(model.calls),
  };
}

/** Everything a MemorySaver holds, as the bytes it holds. */
function rawCheckpoints({ storage, writes }: MemorySaver): string {
  const found: string[] = [];
  const collect = (value: unknown): void => {
    if (value instanceof Uint8Array) found.push(Buffer.from(value).toString("utf8"));
    else if (typeof value === "string") found.push(value);
    else if (typeof value === "object" && value !== null) Object.values(value).forEach(collect);
  };
  collect(storage);
  collect(writes);
  return found.join("\n");
}

/** The handle in a text. */
export function handleIn(text: unknown): string {
  return /res_[0-9a-z]{20}/.exec(JSON.stringify(text))?.[0] ?? "none";
}

/** True for a tool's message. */
export function isTool(message: unknown): message is ToolMessage {
  return ToolMessage.isInstance(message);
}

/** The value behind the handle in a text, for its thread under the default scope. */
export function recalledFrom(
  store: ResultStore,
  threadId: string,
  text: unknown,
): Promise<unknown> {
  const owner = { scope: JSON.stringify(["", threadId]), threadId };
  return recallResult({ store, owner }, handleIn(text));
}
