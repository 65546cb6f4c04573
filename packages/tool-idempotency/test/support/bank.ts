import { memoryStore, withMiddleware, wrapModel } from "@evenkeel/core";
import type { EvenkeelEvent, EvenkeelStore } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { Command, INTERRUPT, MemorySaver } from "@langchain/langgraph";
import { createReactAgent } from "@langchain/langgraph/prebuilt";

import { langchainAgent, stateGraph } from "../../../testing/src/conformance/graph-kind.ts";
import type { GraphKind } from "../../../testing/src/conformance/graph-kind.ts";
import type { ScriptedTurns } from "../../../testing/src/model/scripted-turn.ts";
import { IdempotencyError, toolIdempotencyMiddleware } from "../../src/index.ts";
import type { EffectQuestion, ToolIdempotencyOptions } from "../../src/index.ts";

const reactAgent = (version: "v1" | "v2"): GraphKind => ({
  name: `createReactAgent ${version}`,
  build: ({ model, tools, checkpointer }) =>
    createReactAgent({
      llm: wrapModel(model),
      tools: [...tools],
      version,
      checkpointSaver: checkpointer,
    }),
});

/** Every kind of agent a behaviour is shown on. */
export const KINDS: readonly GraphKind[] = [
  stateGraph,
  reactAgent("v1"),
  reactAgent("v2"),
  langchainAgent,
];

/** One turn of the model that calls tools. */
export function calls(...list: readonly [name: string, args?: object, id?: string][]): {
  toolCalls: { id?: string; name: string; args: object }[];
} {
  return {
    toolCalls: list.map(([name, args = { order: "A1" }, id]) => ({
      name,
      args,
      ...(id === undefined ? {} : { id }),
    })),
  };
}

/** A tool of any name that does what it is told to. */
export function doing(name: string, work: (args: never) => unknown): StructuredToolInterface {
  return tool(work as (args: unknown) => unknown, {
    name,
    description: `the tool ${name}`,
    schema: { type: "object", properties: {}, additionalProperties: true },
  });
}

/** What a run came to. */
interface Outcome {
  readonly answers: readonly ToolMessage[];
  readonly question: EffectQuestion | undefined;
  readonly messages: readonly BaseMessage[];
}

interface Bank {
  start(text?: string, config?: object): Promise<Outcome>;
  go(input: unknown, config?: object): Promise<Outcome>;
  decide(...decisions: readonly object[]): Promise<Outcome>;
  /** Ids of the thread's checkpoints, the first one first. */
  checkpoints(): Promise<string[]>;
  readonly events: EvenkeelEvent[];
  readonly store: EvenkeelStore;
}

interface Agent {
  invoke(input: unknown, config: object): Promise<Record<string, unknown>>;
  getStateHistory(config: object): AsyncIterable<{ config: { configurable?: object } }>;
}

/** What a bank is built of. */
export interface BankParts extends Partial<ToolIdempotencyOptions> {
  readonly kind?: GraphKind;
  readonly turns: ScriptedTurns;
  readonly does: readonly StructuredToolInterface[];
  readonly keeps?: EvenkeelStore;
  readonly saver?: MemorySaver;
}

/** An agent with the middleware, and all that can be looked into. */
export async function bank(parts: BankParts): Promise<Bank> {
  const { kind = stateGraph, turns, does, keeps = memoryStore(), saver, ...options } = parts;
  const checkpointer = saver ?? new MemorySaver();
  const events: EvenkeelEvent[] = [];
  const model = scriptedModel(turns);
  const graph = await kind.build({ model, tools: does, checkpointer, store: undefined });
  const middleware = toolIdempotencyMiddleware({ store: keeps, leaseMs: 100, ...options });
  const agent = withMiddleware(graph as never, [middleware], {
    onEvent: (event: EvenkeelEvent) => void events.push(event),
  }) as unknown as Agent;
  const thread = { thread_id: "thread" };
  const go: Bank["go"] = async (input, config = {}) => {
    const { configurable, ...rest } = config as { configurable?: object };
    const result = await agent.invoke(input, {
      ...rest,
      configurable: { ...thread, ...configurable },
    });
    const messages = result["messages"] as BaseMessage[];
    const paused = result[INTERRUPT] as { value: EffectQuestion }[] | undefined;
    return {
      messages,
      answers: messages.filter((message) => ToolMessage.isInstance(message)),
      question: paused?.[0]?.value,
    };
  };
  return {
    go,
    start: (text = "Please.", config) => go({ messages: [new HumanMessage(text)] }, config),
    decide: (...decisions) => go(new Command({ resume: { decisions } })),
    async checkpoints() {
      const ids: string[] = [];
      for await (const { config } of agent.getStateHistory({ configurable: thread })) {
        ids.unshift((config.configurable as { checkpoint_id: string }).checkpoint_id);
      }
      return ids;
    },
    events,
    store: keeps,
  };
}

/** A store whose worker dies before it can say how an effect came out, as often as it is told. */
export function dying(store: EvenkeelStore, deaths: number): EvenkeelStore {
  let left = deaths;
  return {
    ...store,
    async settleEffect(claim, settlement) {
      if (left <= 0) return store.settleEffect(claim, settlement);
      left -= 1;
      throw new IdempotencyError({ code: "lease-lost", message: "the worker dies here" });
    },
  };
}

/** Until the lease of a dead worker has run out. */
export function leaseOver(): Promise<void> {
  return new Promise((later) => setTimeout(later, 150));
}

/** The scope of the bank's thread. */
export const SCOPE: string = JSON.stringify(["", "thread"]);
