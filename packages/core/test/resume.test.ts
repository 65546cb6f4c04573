import { HumanMessage } from "@langchain/core/messages";
import {
  Command,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
  interrupt,
} from "@langchain/langgraph";
import { ToolNode, createReactAgent, toolsCondition } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";
import { describe, expect, test } from "vitest";

import { defineMiddleware, withMiddleware } from "../src/index.ts";
import { bare, checkpointCounts, historyOf, thread, watched } from "./support/both.ts";
import type { Build, TestGraph, Watched } from "./support/both.ts";
import { createKit } from "./support/kit.ts";
import type { Kit } from "./support/kit.ts";
import { plain } from "./support/plain.ts";
import { spyMiddleware } from "./support/spy.ts";

const HELLO = { messages: [new HumanMessage({ content: "Refund order 7.", id: "human-1" })] };
const AGAIN = { messages: [new HumanMessage({ content: "And order 8.", id: "human-2" })] };

const TURNS = [
  {
    toolCalls: [
      { name: "refund", args: { order: 7 }, id: "call-1" },
      { name: "look_up", args: { order: 7 }, id: "call-2" },
    ],
  },
  { content: "It is refunded." },
];

function askingTools(kit: Kit): [ReturnType<Kit["tool"]>, ReturnType<Kit["tool"]>] {
  return [kit.tool("refund", () => `approved: ${interrupt("Refund it?")}`), kit.tool("look_up")];
}

const handWritten: Build = (kit) => {
  const tools = askingTools(kit);
  const model = kit.model(TURNS).bindTools(tools);
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent");
};

const asSubgraph: Build = (kit) => {
  const inner = handWritten(kit) as { compile(): typeof ToolNode.prototype };
  return new StateGraph(MessagesAnnotation)
    .addNode("helper", inner.compile())
    .addEdge(START, "helper");
};

const AGENTS: readonly { title: string; build: Build }[] = [
  { title: "a StateGraph", build: handWritten },
  { title: "a subgraph as a node", build: asSubgraph },
  ...(["v1", "v2"] as const).flatMap((version) => [
    {
      title: `createReactAgent ${version}`,
      build: (kit: Kit) =>
        createReactAgent({
          llm: kit.model(TURNS),
          tools: askingTools(kit),
          version,
          checkpointer: kit.checkpointer,
        }),
    },
    {
      title: `createAgent ${version}`,
      build: (kit: Kit) =>
        createAgent({
          model: kit.model(TURNS),
          tools: askingTools(kit),
          version,
          checkpointer: kit.checkpointer,
        }),
    },
  ]),
];

describe.each(AGENTS)("an interrupt in a tool of $title", ({ build }) => {
  async function pauseAndResume(graph: TestGraph): Promise<unknown[]> {
    const paused = await graph.invoke(HELLO, thread());
    const { next, tasks } = await graph.getState(thread(), { subgraphs: true });
    const ended = await graph.invoke(new Command({ resume: "yes" }), thread());
    return [plain(paused), next, plain(tasks), plain(ended)];
  }

  test("pauses and resumes as in the bare graph", async () => {
    const one = bare(build);
    const two = watched(build);
    expect(await pauseAndResume(two.graph)).toEqual(await pauseAndResume(one.graph));
    expect(await historyOf(two.graph, thread())).toEqual(await historyOf(one.graph, thread()));
    expect(await checkpointCounts(two.kit)).toEqual(await checkpointCounts(one.kit));
    expect(two.kit.toolRuns).toEqual(one.kit.toolRuns);
  });

  test("keeps the execution and its private state over the pause", async () => {
    const { graph, spy } = watched(build);
    await pauseAndResume(graph);
    expect(spy.outcomes).toEqual(["interrupted", "completed"]);
    expect(spy.runs).toHaveLength(2);
    expect(new Set(spy.runs).size).toBe(1);
    expect(spy.models).toHaveLength(2);
    expect(spy.state).toMatchObject({
      "model 1": spy.models[0],
      "model 2": spy.models[1],
      "answered call-1": "message",
      "answered call-2": "message",
    });
  });
});

/** Keeps the id of the server's job with each checkpoint, as the LangGraph server does. */
class ServerSaver extends MemorySaver {
  override put(
    ...[config, checkpoint, metadata]: Parameters<MemorySaver["put"]>
  ): ReturnType<MemorySaver["put"]> {
    const { run_id } = (config as { metadata?: { run_id?: unknown } }).metadata ?? {};
    return super.put(config, checkpoint, { ...metadata, run_id } as typeof metadata);
  }
}

describe.each(["parallel tools", "parallel nodes"])("interrupts in %s", (where) => {
  const build: Build = (kit) => {
    const ask = kit.tool(
      "refund",
      ({ order }) => `${String(order)}: ${interrupt(`Refund ${String(order)}?`)}`,
    );
    if (where === "parallel tools") {
      return createReactAgent({
        llm: kit.model([
          {
            toolCalls: [
              { name: "refund", args: { order: 7 }, id: "call-1" },
              { name: "refund", args: { order: 8 }, id: "call-2" },
            ],
          },
          { content: "Both are refunded." },
        ]),
        tools: [ask],
        version: "v2",
        checkpointer: kit.checkpointer,
      });
    }
    const model = kit.model(({ messages }) => ({ content: messages.at(-1)?.text ?? "" }));
    const asking = (order: number) => async () => {
      const before = await model.invoke(`about ${order}`);
      const answer = interrupt<string, string>(`${before.text}?`);
      return { messages: [await model.invoke(`${order}: ${answer}`)] };
    };
    return new StateGraph(MessagesAnnotation)
      .addNode("one", asking(7))
      .addNode("two", asking(8))
      .addEdge(START, "one")
      .addEdge(START, "two");
  };

  async function answerEach(graph: TestGraph): Promise<unknown[]> {
    const paused = await graph.invoke(HELLO, thread());
    const asked = paused["__interrupt__"] as { id: string; value: string }[];
    const [first, second] = asked;
    const half = await graph.invoke(
      new Command({ resume: { [second?.id ?? ""]: "no" } }),
      thread(),
    );
    const ended = await graph.invoke(
      new Command({ resume: { [first?.id ?? ""]: "yes" } }),
      thread(),
    );
    return [paused, half, ended].map(plain);
  }

  test("are answered one by one as in the bare graph", async () => {
    const one = bare(build);
    const two = watched(build);
    expect(await answerEach(two.graph)).toEqual(await answerEach(one.graph));
    expect(await historyOf(two.graph, thread())).toEqual(await historyOf(one.graph, thread()));
    expect(two.kit.modelCalls()).toBe(one.kit.modelCalls());
    expect(two.spy.models).toHaveLength(two.kit.modelCalls());
    expect(two.spy.outcomes).toEqual(["interrupted", "interrupted", "completed"]);
    expect(new Set(two.spy.runs).size).toBe(1);
  });
});

async function executionOf({ kit }: Watched): Promise<unknown> {
  const tuple = await kit.checkpointer.getTuple(thread());
  const value = tuple?.checkpoint.channel_values["_execution"] as { d: { id: string } };
  return value.d.id;
}

describe("an execution", () => {
  test("goes on with null, a resume, an update and a goto", async () => {
    const subject = watched(handWritten);
    const { graph, spy } = subject;
    await graph.invoke(HELLO, thread());
    await graph.invoke(null, thread());
    const note = new HumanMessage({ content: "Please hurry.", id: "note" });
    await graph.invoke(new Command({ update: { messages: [note] } }), thread());
    await graph.invoke(new Command({ goto: "agent" }), thread());
    expect(spy.runs).toHaveLength(4);
    expect(new Set(spy.runs).size).toBe(1);
    expect(await executionOf(subject)).toBe(spy.runs[0]);
    expect(spy.events.filter(({ name }) => name === "execution-superseded")).toEqual([]);
  });

  test("is a new one for a new input", async () => {
    const subject = watched(handWritten);
    await subject.graph.invoke(HELLO, thread());
    await subject.graph.invoke(new Command({ resume: "yes" }), thread());
    await subject.graph.invoke(AGAIN, thread());
    const [first, second, third] = subject.spy.runs;
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    expect(await executionOf(subject)).toBe(third);
    expect(subject.spy.events).toEqual([]);
  });

  test("begins with none of the private state of the one before", async () => {
    const { graph, spy } = watched((kit) => {
      const model = kit.model([{ content: "Hello." }]);
      return new StateGraph(MessagesAnnotation)
        .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
        .addEdge(START, "agent");
    });
    await graph.invoke(HELLO, thread());
    await graph.invoke(AGAIN, thread());
    expect(spy.state).toEqual({ run: 1, "model 2": "agent#0" });
  });

  test("is superseded by a new input while it is open", async () => {
    const { graph, spy } = watched(handWritten);
    await graph.invoke(HELLO, thread());
    await graph.invoke(AGAIN, thread());
    const [first, second] = spy.runs;
    expect(second).not.toBe(first);
    expect(spy.events).toMatchObject([
      { name: "execution-superseded", executionId: second, detail: { executionId: first } },
    ]);
  });

  test("goes on where a server runs the same job again", async () => {
    const { graph, spy, kit } = watched(handWritten, { checkpointer: new ServerSaver() });
    const job = thread("thread-1", { metadata: { run_id: "job-1" } });
    await graph.invoke(HELLO, job);
    await graph.invoke(HELLO, job);
    expect(kit.modelCalls()).toBe(1);
    expect(spy.runs).toHaveLength(2);
    expect(new Set(spy.runs).size).toBe(1);
  });

  test("is derived where the thread was in flight before the middleware came", async () => {
    const before = bare(handWritten);
    await before.graph.invoke(HELLO, thread());
    const { graph, spy } = watched(handWritten, { checkpointer: before.kit.checkpointer });
    await graph.invoke(new Command({ resume: "yes" }), thread());
    expect((await graph.getState(thread())).next).toEqual([]);
    expect(spy.runs).toEqual([expect.stringMatching(/^derived:[0-9a-f]{16}:human-1$/)]);
    await graph.invoke(AGAIN, thread());
    expect(spy.runs[1]).not.toMatch(/^derived/);
  });
});

describe.each(["sync", "async", "exit"])("durability %s", (durability) => {
  test("leaves the bare graph's checkpoints, and the execution in them", async () => {
    const config = thread("thread-1", { durability });
    const [one, two] = [bare(handWritten), watched(handWritten)];
    for (const { graph } of [one, two]) {
      await graph.invoke(HELLO, config);
      await graph.invoke(new Command({ resume: "yes" }), config);
    }
    expect(await historyOf(two.graph, thread())).toEqual(await historyOf(one.graph, thread()));
    expect(new Set(two.spy.runs).size).toBe(1);
    expect(two.spy.state).toMatchObject({ "model 1": "agent#0", "model 2": "agent#0" });
  });
});

describe.each(["../../etc", "a b\u0000c", "🐘", "x".repeat(2_000)])("thread id %j", (id) => {
  test("keeps its execution", async () => {
    const { graph, spy } = watched(handWritten);
    const config = { configurable: { thread_id: id } };
    await graph.invoke(HELLO, config);
    const result = await graph.invoke(new Command({ resume: "yes" }), config);
    expect(result["messages"]).toHaveLength(5);
    expect(new Set(spy.runs).size).toBe(1);
  });
});

describe("the state of a thread", () => {
  async function editAndFork(graph: TestGraph): Promise<unknown[]> {
    await graph.invoke(HELLO, thread());
    const edited = await graph.updateState(
      thread(),
      { messages: [new HumanMessage({ content: "Edited.", id: "edited" })] },
      "agent",
    );
    const state = await graph.getState(edited);
    const history: { config: object; metadata?: { step?: number } | undefined }[] = [];
    for await (const snapshot of graph.getStateHistory(thread())) history.push(snapshot);
    const second = history.find(({ metadata }) => metadata?.step === 1);
    const fork = await graph.invoke(null, second?.config as Record<string, unknown>);
    const other = await graph.invoke(AGAIN, history.at(-2)?.config as Record<string, unknown>);
    return [plain(state.values), state.next, plain(fork), plain(other)];
  }

  test("is read, edited and forked as in the bare graph", async () => {
    const one = bare(handWritten);
    const two = watched(handWritten);
    expect(await editAndFork(two.graph)).toEqual(await editAndFork(one.graph));
    expect(await historyOf(two.graph, thread())).toEqual(await historyOf(one.graph, thread()));
  });

  test("keeps its execution on a fork, and private state of that checkpoint", async () => {
    const { graph, spy } = watched(handWritten);
    await graph.invoke(HELLO, thread());
    await graph.invoke(new Command({ resume: "yes" }), thread());
    const snapshots: { config: object; next: string[] }[] = [];
    for await (const snapshot of graph.getStateHistory(thread())) snapshots.push(snapshot);
    const beforeTools = snapshots.find(({ next }) => next[0] === "tools");
    await graph.invoke(null, beforeTools?.config as Record<string, unknown>);
    expect(new Set(spy.runs).size).toBe(1);
    expect(spy.state).toMatchObject({ "model 1": "agent#0" });
    expect(spy.state).not.toHaveProperty(["model 2"]);
  });

  test("shows no private channel to getState, getStateHistory and getState of subgraphs", async () => {
    const { graph } = watched(asSubgraph);
    await graph.invoke(HELLO, thread());
    const shown: unknown[] = [await graph.getState(thread(), { subgraphs: true })];
    for await (const snapshot of graph.getStateHistory(thread())) shown.push(snapshot);
    expect(JSON.stringify(shown)).not.toMatch(/"_(spy|spyThread|execution)"/);
  });
});

describe.each(["as a node", "with its own checkpoints", "called by a node", "called second"])(
  "a graph with middleware inside a bare graph, %s,",
  (where) => {
    test("keeps its execution and private state over a pause", async () => {
      const kit = createKit(true);
      const spy = spyMiddleware();
      const inner = withMiddleware(
        handWritten(kit),
        [spy.middleware],
        where === "with its own checkpoints" ? { checkpointer: true } : {},
      ) as unknown as TestGraph;
      const first = new StateGraph(MessagesAnnotation)
        .addNode("greet", () => ({}))
        .addEdge(START, "greet")
        .compile();
      const call = async (state: typeof MessagesAnnotation.State) => {
        if (where === "called second") await first.invoke(state);
        return inner.invoke(state);
      };
      const graph = new StateGraph(MessagesAnnotation)
        .addNode("helper", (where.startsWith("called") ? call : inner) as never)
        .addEdge(START, "helper")
        .compile({ checkpointer: kit.checkpointer }) as unknown as TestGraph;
      await graph.invoke(HELLO, thread());
      const ended = await graph.invoke(new Command({ resume: "yes" }), thread());
      expect(ended["messages"]).toHaveLength(5);
      expect(spy.outcomes).toEqual(["interrupted", "completed"]);
      expect(new Set(spy.runs).size).toBe(1);
      expect(spy.state).toMatchObject({ "model 1": spy.models[0], "model 2": spy.models[1] });
      expect(spy.models).toEqual(["helper|agent#0", "helper|agent#0"]);
    });
  },
);

test("what is saved before a pause of a resumed run is there when it is resumed again", async () => {
  const read: unknown[] = [];
  const saving = defineMiddleware({
    name: "saving",
    options: {},
    state: { _saved: {} },
    async wrapToolCall(request, handler, { state }) {
      const { pauses = 0 } = state.read("_saved") as { pauses?: number };
      read.push(pauses);
      await state.save("_saved", { pauses: pauses + 1 });
      return handler(request);
    },
  });
  const kit = createKit(false);
  const asks = (id: string): object => ({
    toolCalls: [{ name: "refund", args: { order: 7 }, id }],
  });
  const tools = [kit.tool("refund", () => `approved: ${interrupt("Refund it?")}`)];
  const model = kit.model([asks("call-1"), asks("call-2"), { content: "done" }]).bindTools(tools);
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer: new MemorySaver() });
  const wrapped = withMiddleware(graph, [saving]);
  await wrapped.invoke(HELLO, thread());
  await wrapped.invoke(new Command({ resume: "yes" }), thread());
  await wrapped.invoke(new Command({ resume: "yes" }), thread());
  expect(read).toEqual([0, 1, 2, 3]);
});
