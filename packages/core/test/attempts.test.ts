import { HumanMessage } from "@langchain/core/messages";
import type { AIMessage, BaseMessage } from "@langchain/core/messages";
import {
  Annotation,
  MemorySaver,
  MessagesAnnotation,
  START,
  Send,
  StateGraph,
} from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { ToolNode, createReactAgent } from "@langchain/langgraph/prebuilt";
import { createAgent, createMiddleware } from "langchain";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { freshDatabase } from "../../testing/src/postgres/fresh-database.ts";
import type { FreshDatabase } from "../../testing/src/postgres/fresh-database.ts";
import { withMiddleware } from "../src/index.ts";
import type { EvenkeelEvent } from "../src/index.ts";
import { collect, thread } from "./support/both.ts";
import type { TestGraph } from "./support/both.ts";
import { createKit } from "./support/kit.ts";
import { retrying } from "./support/retrying.ts";

// Under one of the user's own, LangChain lets what a tool throws end the run.
const throwing = createMiddleware({
  name: "ThrowingTools",
  wrapToolCall: (request, handler) => handler(request),
});

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

const SAVERS: readonly { title: string; saver: () => Promise<BaseCheckpointSaver> }[] = [
  { title: "MemorySaver", saver: async () => new MemorySaver() },
  {
    title: "Postgres",
    saver: async () => {
      const schema = database.schema ?? "public";
      const saver = new PostgresSaver(database.pool, undefined, { schema });
      await saver.setup();
      return saver;
    },
  },
];

const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (one, other) => [...one, ...other], default: () => [] }),
  messages: MessagesAnnotation.spec.messages,
});

/** Two entry nodes and two Sends at once; the second step fails while `broken` says so. */
function fanOut(broken: () => boolean, ran: string[]): object {
  const note = (name: string) => () => {
    ran.push(name);
    return { log: [name] };
  };
  return new StateGraph(State)
    .addNode("left", note("left"))
    .addNode("right", note("right"))
    .addNode("each", (given: { part: string }) => note(`each ${given.part}`)())
    .addNode("join", () => {
      ran.push("join");
      if (broken()) throw new Error("join is broken");
      return { log: ["join"] };
    })
    .addEdge(START, "left")
    .addEdge(START, "right")
    .addConditionalEdges(START, () => ["a", "b"].map((part) => new Send("each", { part })), [
      "each",
    ])
    .addEdge(["left", "right"], "join");
}

const input = () => ({ messages: [new HumanMessage("go")] });
let threads = 0;
const fresh = () => `attempts-${(threads += 1)}`;

interface Run {
  readonly graph: TestGraph;
  readonly events: EvenkeelEvent[];
  readonly seen: ReturnType<typeof retrying>;
}

function build(
  graph: object,
  checkpointer: BaseCheckpointSaver | undefined,
  seen = retrying("start"),
): Run {
  const events: EvenkeelEvent[] = [];
  const wrapped = withMiddleware(graph, [seen.middleware], {
    ...(checkpointer === undefined || !("compile" in graph) ? {} : { checkpointer }),
    onEvent: (event) => events.push(event),
  });
  return { graph: wrapped as unknown as TestGraph, events, seen };
}

function names(events: readonly EvenkeelEvent[]): string[] {
  return events.map(({ name, attempt }) => `${name} ${attempt}`);
}

async function identity(saver: BaseCheckpointSaver, id: string): Promise<Record<string, unknown>> {
  const tuple = await saver.getTuple(thread(id));
  const value = tuple?.checkpoint.channel_values["_execution"] as { d: Record<string, unknown> };
  return value.d;
}

describe.each(SAVERS)("attempts on $title", ({ saver }) => {
  test("begin again at the first nodes; what the failed one wrote does not count", async () => {
    const checkpointer = await saver();
    const ran: string[] = [];
    let fails = 2;
    const { graph, events, seen } = build(
      fanOut(() => fails-- > 0, ran),
      checkpointer,
    );
    const id = fresh();
    const chunks = await collect(
      await graph.stream(input(), { ...thread(id), streamMode: "values" }),
    );
    const all = ["each a", "each b", "join", "left", "right"];
    expect(ran.toSorted()).toEqual([...all, ...all, ...all].toSorted());
    const last = chunks.at(-1) as { log: string[]; messages: BaseMessage[] };
    expect(last.log.toSorted()).toEqual(all);
    const state = await graph.getState(thread(id));
    expect((state.values as typeof last).log.toSorted()).toEqual(all);
    expect(state.next).toEqual([]);
    expect(names(events)).toEqual([
      "attempt-failed 1",
      "attempt-started 2",
      "attempt-failed 2",
      "attempt-started 3",
    ]);
    expect(events.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    expect(await identity(checkpointer, id)).toMatchObject({ attempt: 3, sequence: 4 });
    expect(seen.requests.map(({ execution }) => [execution.attempt, execution.isNew])).toEqual([
      [1, true],
      [2, false],
      [3, false],
    ]);
    expect(new Set(seen.requests.map(({ execution }) => execution.id)).size).toBe(1);
    // Messages keep the ids they were given in the first attempt.
    const ids = new Set(
      chunks.flatMap((chunk) => (chunk as typeof last).messages.map((m) => m.id)),
    );
    expect(ids.size).toBe(1);
  });

  test("a failure of the very first nodes begins all of them again", async () => {
    const checkpointer = await saver();
    const ran: string[] = [];
    let fails = 1;
    const graph = new StateGraph(State)
      .addNode("good", () => {
        ran.push("good");
        return { log: ["good"] };
      })
      .addNode("bad", async () => {
        ran.push("bad");
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (fails-- > 0) throw new Error("bad is broken");
        return { log: ["bad"] };
      })
      .addEdge(START, "good")
      .addEdge(START, "bad");
    const id = fresh();
    const result = await build(graph, checkpointer).graph.invoke(input(), thread(id));
    expect(ran.toSorted()).toEqual(["bad", "bad", "good", "good"]);
    expect((result["log"] as string[]).toSorted()).toEqual(["bad", "good"]);
  });

  test("resume runs the failed task alone, and its number is in the checkpoint", async () => {
    const checkpointer = await saver();
    const ran: string[] = [];
    let fails = 1;
    const seen = retrying("resume");
    const { graph } = build(
      fanOut(() => fails-- > 0, ran),
      checkpointer,
      seen,
    );
    const id = fresh();
    const result = await graph.invoke(input(), thread(id));
    expect(ran.toSorted()).toEqual(["each a", "each b", "join", "join", "left", "right"]);
    expect((result["log"] as string[]).length).toBe(5);
    expect(await identity(checkpointer, id)).toMatchObject({ attempt: 2 });
  });

  test("another process knows the number of the attempt that failed last", async () => {
    const checkpointer = await saver();
    const ran: string[] = [];
    const id = fresh();
    let broken = true;
    const shape = () => fanOut(() => broken, ran);
    const first = build(shape(), checkpointer, retrying("start", undefined, 2));
    await expect(first.graph.invoke(input(), thread(id))).rejects.toThrow("join is broken");
    broken = false;
    const later = build(shape(), checkpointer);
    const result = await later.graph.invoke(null, thread(id));
    expect((result["log"] as string[]).length).toBe(5);
    expect(
      later.seen.requests.map(({ execution, state }) => [execution.attempt, state["_retrying"]]),
    ).toEqual([[2, { v: 1, e: expect.any(String), d: { "attempt 1": "Error: join is broken" } }]]);
  });

  test.each(["createReactAgent", "createAgent"])(
    "%s begins before the decision that failed",
    async (kind) => {
      const checkpointer = await saver();
      const kit = createKit(true);
      let fails = 1;
      const answer = ({ order }: Record<string, unknown>): string => {
        if (order === 2 && fails-- > 0) throw new Error("order 2 is locked");
        return `order ${String(order)} is fine`;
      };
      const lookUp = (order: number, call: string) => ({
        toolCalls: [
          { name: "look_up", args: { order }, id: call },
          { name: "look_up", args: { order: order + 10 }, id: `${call}-beside` },
        ],
      });
      // By the order of calls, not by the conversation: the second attempt is answered differently.
      const turns = [
        lookUp(1, "call-1"),
        lookUp(2, "call-2"),
        lookUp(2, "call-3"),
        { content: "Done." },
      ];
      const model = kit.model(() => turns.shift() ?? { content: "no more turns" });
      const tools = [kit.tool("look_up", answer)];
      const agent =
        kind === "createAgent"
          ? createAgent({ model, tools, checkpointer, middleware: [throwing] })
          : createReactAgent({
              llm: model,
              tools: new ToolNode(tools, { handleToolErrors: false }),
              checkpointer,
            });
      const seen = retrying("last-decision");
      const { graph } = build(agent, undefined, seen);
      const id = fresh();
      const result = await graph.invoke({ messages: [new HumanMessage("look")] }, thread(id));
      const messages = result["messages"] as BaseMessage[];
      const calls = messages.flatMap(
        (message) => (message as AIMessage).tool_calls?.map((call) => call.id) ?? [],
      );
      expect(calls).toEqual(["call-1", "call-1-beside", "call-3", "call-3-beside"]);
      expect(messages.at(-1)?.text).toBe("Done.");
      expect(kit.toolRuns).toContain("look_up:call-2");
      expect(seen.read.at(-1)).toMatchObject({
        "attempt 1": expect.stringContaining("order 2 is locked"),
        "call-1": "look_up",
      });
      expect(seen.read.at(-1)).not.toHaveProperty("call-2");
      expect(await identity(checkpointer, id)).toMatchObject({ attempt: 2 });
    },
  );
});
