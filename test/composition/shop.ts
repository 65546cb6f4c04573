import { memoryStore, withMiddleware, wrapModel } from "@evenkeel/core";
import type { AnyMiddleware, EvenkeelEvent, EvenkeelStore } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import type { ScriptedTurn } from "@evenkeel/testing";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import {
  Command,
  InMemoryStore,
  MessagesAnnotation,
  START,
  StateGraph,
  interrupt,
} from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";
import { z } from "zod";

import { plainMessages } from "../support/agent-pair.ts";

/** The kinds of graph a stack is put around. */
export const KINDS = ["StateGraph", "createAgent"] as const;

const THANKS = "Thank you.";
const TURNS: ScriptedTurn[] = [
  ({ messages }) =>
    messages.at(-1)?.text === THANKS
      ? { content: "You are welcome." }
      : { toolCalls: [{ id: "1", name: "look_up", args: { order: "A1" } }] },
  {
    toolCalls: [
      { id: "2", name: "look_up", args: { order: "A2" } },
      { id: "3", name: "pay", args: { amount: 5 } },
      { id: "4", name: "pay", args: { amount: 20 } },
    ],
  },
  { content: "Both orders are paid back." },
];
const ASKS_FROM = 10;

/** The stack of a process, made anew for each; undefined for the bare graph. */
export type MakeStack = (
  store: EvenkeelStore,
  process: number,
) => readonly AnyMiddleware[] | undefined;

/** Where an execution is kept. */
export interface Keeping {
  readonly checkpointer: BaseCheckpointSaver;
  /** @default in memory */
  readonly store?: EvenkeelStore;
}

/** What an execution came to, over a pause and in two processes. */
export interface Carried {
  /** What people and models see. */
  readonly seen: {
    readonly messages: unknown;
    readonly requests: unknown;
    readonly effects: readonly number[];
    readonly checkpoints: number;
    readonly keys: readonly string[];
    readonly streamed: readonly string[];
  };
  readonly events: readonly EvenkeelEvent[];
}

interface Graph {
  stream(input: unknown, config: object): Promise<AsyncIterable<[string, unknown]>>;
  getState(config: object): Promise<{ values: Record<string, unknown> }>;
}

/**
 * A shop's thread in three processes: orders are looked up and paid, one of them after a person has
 * said yes in the second, and in the third the customer writes again.
 */
export async function carryThrough(
  kind: (typeof KINDS)[number],
  { checkpointer, store = memoryStore() }: Keeping,
  makeStack: MakeStack = () => undefined,
): Promise<Carried> {
  const effects: number[] = [];
  const events: EvenkeelEvent[] = [];
  const streamed = new Set<string>();
  const requests: unknown[] = [];
  const config = { configurable: { thread_id: crypto.randomUUID() } };
  let state: Record<string, unknown> = {};
  const inputs = [
    { messages: [{ role: "user", content: "I want my money back for A1 and A2." }] },
    new Command({ resume: "yes" }),
    { messages: [{ role: "user", content: THANKS }] },
  ];
  for (const [process, input] of inputs.entries()) {
    const model = scriptedModel(TURNS);
    const built = build(kind, model, toolsOf(effects), checkpointer);
    const stack = makeStack(store, process);
    const graph = (
      stack === undefined
        ? ((built as { graph?: object }).graph ?? built)
        : withMiddleware(built, stack, { onEvent: (event) => events.push(event) })
    ) as Graph;
    const streamMode = ["values", "updates", "debug"];
    for await (const chunk of await graph.stream(input, { ...config, streamMode })) {
      for (const [key] of JSON.stringify(chunk).matchAll(/"_[a-z]\w+"/gi)) streamed.add(key);
    }
    requests.push(...model.calls.map(({ messages }) => plainMessages([...messages])));
    state = (await graph.getState(config)).values;
  }
  let checkpoints = 0;
  for await (const _checkpoint of checkpointer.list(config)) checkpoints += 1;
  return {
    seen: {
      messages: plainMessages(state["messages"] as never),
      requests,
      effects: effects.toSorted((one, other) => one - other),
      checkpoints,
      keys: Object.keys(state),
      streamed: [...streamed].toSorted(),
    },
    events,
  };
}

function toolsOf(effects: number[]): StructuredToolInterface[] {
  const lookUp = tool(({ order }) => `${order} costs 20`, {
    name: "look_up",
    description: "Looks an order up.",
    schema: z.object({ order: z.string() }),
  });
  const pay = tool(
    ({ amount }) => {
      if (amount > ASKS_FROM) interrupt(`Pay ${amount}?`);
      effects.push(amount);
      return `paid ${amount}`;
    },
    { name: "pay", description: "Pays.", schema: z.object({ amount: z.number() }) },
  );
  return [lookUp, pay];
}

function build(
  kind: (typeof KINDS)[number],
  model: ReturnType<typeof scriptedModel>,
  tools: StructuredToolInterface[],
  checkpointer: BaseCheckpointSaver,
): object {
  const store = new InMemoryStore();
  if (kind === "createAgent") return createAgent({ model, tools, checkpointer, store });
  const bound = wrapModel(model).bindTools(tools);
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await bound.invoke(messages)] }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer, store });
}

/** Events whose number is not the next one of their execution. */
export function gaps(events: readonly EvenkeelEvent[]): EvenkeelEvent[] {
  const last = new Map<string, number>();
  return events.filter(({ executionId, sequence }) => {
    const expected = (last.get(executionId) ?? 0) + 1;
    last.set(executionId, sequence);
    return sequence !== expected;
  });
}
