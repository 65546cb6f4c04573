import { withMiddleware, wrapModel } from "@evenkeel/core";
import type { EvenkeelEvent, WithMiddlewareOptions } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import type { ScriptedModel, ScriptedTurn } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { MemorySaver } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { ToolNode, createReactAgent } from "@langchain/langgraph/prebuilt";
import { z } from "zod";

import { failureRetryMiddleware } from "../../src/index.ts";
import type { FailureRetryMiddlewareOptions } from "../../src/index.ts";

/** What a test drives, and sees of it. */
export interface Shop {
  readonly agent: {
    invoke(input: unknown, config?: object): Promise<Record<string, unknown>>;
    stream(input: unknown, config?: object): Promise<AsyncIterable<unknown>>;
  };
  readonly model: ScriptedModel;
  readonly checkpointer: BaseCheckpointSaver;
  readonly events: EvenkeelEvent[];
  /** Names of events, with the attempt they belong to. */
  told(): string[];
  run(input?: unknown, config?: object): Promise<Record<string, unknown>>;
  /** The text behind the conversation in a call of the model, where there is one. */
  contextOf(call: number): string;
}

/** Parts of a shop; tools throw out of the graph unless it says otherwise. */
export interface ShopParts {
  readonly turns: readonly ScriptedTurn[] | ((call: number) => ScriptedTurn);
  readonly tools?: readonly StructuredToolInterface[];
  readonly options?: FailureRetryMiddlewareOptions;
  readonly handleToolErrors?: boolean;
  readonly checkpointer?: BaseCheckpointSaver;
  readonly stack?: Parameters<typeof withMiddleware>[1];
  readonly run?: WithMiddlewareOptions;
}

export const QUICK = { initialInterval: 0, jitter: false } as const;

/** An agent whose model answers by the order of calls. */
export function shop(parts: ShopParts): Shop {
  const { turns, tools = [], options, handleToolErrors = false, run = {} } = parts;
  const { checkpointer = new MemorySaver(), stack = [] } = parts;
  let calls = 0;
  const model = scriptedModel(async (call) => {
    const index = calls++;
    const turn = typeof turns === "function" ? turns(index) : turns[index];
    if (turn === undefined) throw new Error(`no turn ${index} is scripted`);
    return typeof turn === "function" ? turn(call) : turn;
  });
  const events: EvenkeelEvent[] = [];
  const agent = withMiddleware(
    createReactAgent({
      llm: wrapModel(model),
      tools: new ToolNode([...tools], { handleToolErrors }),
      checkpointer,
    }),
    [failureRetryMiddleware({ ...QUICK, ...options }), ...stack],
    { ...run, onEvent: (event) => events.push(event) },
  ) as unknown as Shop["agent"];
  const thread = { configurable: { thread_id: "shop" } };
  return {
    agent,
    model,
    checkpointer,
    events,
    told: () => events.map(({ name, attempt }) => `${name} ${attempt}`),
    run: (input, config) =>
      agent.invoke(input === undefined ? { messages: [new HumanMessage("Please.")] } : input, {
        ...thread,
        ...config,
      }),
    contextOf: (call) => {
      const humans = (model.calls[call]?.messages ?? []).filter(({ type }) => type === "human");
      return humans.length > 1 ? (humans.at(-1)?.text ?? "") : "";
    },
  };
}

/** A tool that does what it is told, whatever it is given. */
export function toolOf(
  name: string,
  act: (args: Record<string, unknown>, calls: number) => unknown,
): StructuredToolInterface {
  let calls = 0;
  return tool(async (args: Record<string, unknown>) => act(args, (calls += 1)), {
    name,
    description: `the tool ${name}`,
    schema: z.looseObject({}),
  });
}

/** The text of the last message. */
export function lastText(result: Record<string, unknown>): string {
  return (result["messages"] as BaseMessage[]).at(-1)?.text ?? "";
}

/** A reply that calls one tool. */
export function calling(
  name: string,
  args: unknown = {},
): { toolCalls: { name: string; args: unknown }[] } {
  return { toolCalls: [{ name, args }] };
}

/** An error as an HTTP client throws it. */
export function httpError(status: number, headers: Record<string, string> = {}): Error {
  return Object.assign(new Error(`${status} status code (no body)`), { status, headers });
}
