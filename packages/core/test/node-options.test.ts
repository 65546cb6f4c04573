import { HumanMessage } from "@langchain/core/messages";
import { Annotation, Command, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { bare, checkpointCounts, collect, historyOf, thread, watched } from "./support/both.ts";
import type { Build, Subject, TestGraph } from "./support/both.ts";
import { plain } from "./support/plain.ts";

const INPUT = { messages: [new HumanMessage({ content: "Hello?", id: "human-1" })] };

/** What a thread's newest checkpoint holds in a private channel. */
async function privateEntries(
  { kit }: Subject,
  channel: string,
  id = "thread-1",
): Promise<Record<string, unknown>> {
  const tuple = await kit.checkpointer.getTuple(thread(id));
  const value = tuple?.checkpoint.channel_values[channel] as { d: Record<string, unknown> };
  return value.d;
}

/** A graph of one node that calls its model and then fails as often as it is told to. */
function failing(times: number, options: object): Build {
  return (kit) => {
    const model = kit.model(() => ({ content: "Here." }));
    let tries = 0;
    return new StateGraph(MessagesAnnotation)
      .addNode(
        "agent",
        async ({ messages }) => {
          const answer = await model.invoke(messages);
          tries += 1;
          if (tries <= times) throw new Error(`try ${tries} failed`);
          return { messages: [answer] };
        },
        options,
      )
      .addEdge(START, "agent");
  };
}

const RETRY = { retryPolicy: { maxAttempts: 3, initialInterval: 1, jitter: false } };

describe("retryPolicy", () => {
  const build = failing(2, { retryPolicy: { ...RETRY.retryPolicy, logWarning: false } });

  test("tries the node as often as in the bare graph", async () => {
    const one = bare(build);
    const two = watched(build);
    expect(plain(await two.graph.invoke(INPUT, thread()))).toEqual(
      plain(await one.graph.invoke(INPUT, thread())),
    );
    expect(two.kit.modelCalls()).toBe(3);
    expect(two.spy.models).toEqual(["agent#0", "agent#0", "agent#0"]);
    expect(await historyOf(two.graph, thread())).toEqual(await historyOf(one.graph, thread()));
  });

  test("keeps private state of the try that counted and of no other", async () => {
    const subject = watched(build);
    await subject.graph.invoke(INPUT, thread());
    expect(await privateEntries(subject, "_spy")).toEqual({ run: 1, "model 3": "agent#0" });
  });
});

describe("a node that failed", () => {
  test("is run again on resume, and its private writes are gone", async () => {
    const subject = watched(failing(1, {}));
    await expect(subject.graph.invoke(INPUT, thread())).rejects.toThrow("try 1 failed");
    expect(await privateEntries(subject, "_spy")).toEqual({ run: 1 });
    const result = await subject.graph.invoke(null, thread());
    expect(result["messages"]).toHaveLength(2);
    expect(subject.spy.models).toHaveLength(2);
    expect(await privateEntries(subject, "_spy")).toEqual({ run: 1, "model 2": "agent#0" });
  });

  test("is run again where its update was refused by the schema", async () => {
    const build: Build = (kit) => {
      const model = kit.model(() => ({ content: "Here." }));
      let tries = 0;
      return new StateGraph(z.object({ answer: z.string().default("") }))
        .addNode("agent", async () => {
          const { text } = await model.invoke("Hello?");
          tries += 1;
          return { answer: tries === 1 ? (7 as unknown as string) : text };
        })
        .addEdge(START, "agent");
    };
    const results = await Promise.all(
      [bare(build), watched(build)].map(async ({ graph }) => {
        await expect(graph.invoke({}, thread())).rejects.toThrow("expected string");
        return graph.invoke(null, thread());
      }),
    );
    expect(results).toEqual([{ answer: "Here." }, { answer: "Here." }]);
  });

  test("goes to its error handler, whose calls pass the middleware", async () => {
    const build: Build = (kit) => {
      const model = kit.model(() => ({ content: "I am sorry." }));
      return new StateGraph(MessagesAnnotation)
        .addNode(
          "agent",
          () => {
            throw new Error("no luck");
          },
          {
            errorHandler: async ({ messages }: typeof MessagesAnnotation.State) => ({
              messages: [await model.invoke(messages)],
            }),
          },
        )
        .addEdge(START, "agent");
    };
    const one = bare(build);
    const two = watched(build);
    expect(plain(await two.graph.invoke(INPUT, thread()))).toEqual(
      plain(await one.graph.invoke(INPUT, thread())),
    );
    expect(two.spy.models).toHaveLength(1);
    expect(await historyOf(two.graph, thread())).toEqual(await historyOf(one.graph, thread()));
  });

  test("goes to the graph's default error handler, whose calls pass the middleware", async () => {
    const build: Build = (kit) => {
      const model = kit.model(() => ({ content: "I am sorry." }));
      return new StateGraph(MessagesAnnotation)
        .addNode("agent", () => {
          throw new Error("no luck");
        })
        .addEdge(START, "agent")
        .setNodeDefaults({
          errorHandler: async (state: unknown) => ({
            messages: [await model.invoke((state as typeof MessagesAnnotation.State).messages)],
          }),
        });
    };
    const one = bare(build);
    const two = watched(build);
    expect(plain(await two.graph.invoke(INPUT, thread()))).toEqual(
      plain(await one.graph.invoke(INPUT, thread())),
    );
    expect(two.spy.models).toHaveLength(1);
    expect(two.spy.events).toEqual([]);
  });
});

describe("timeout", () => {
  test("ends a node that takes too long and lets its error handler answer", async () => {
    const build: Build = (kit) => {
      const model = kit.model(() => ({ content: "late", delayMs: 60_000 }));
      return new StateGraph(MessagesAnnotation)
        .addNode(
          "agent",
          async ({ messages }: typeof MessagesAnnotation.State, { signal }) => ({
            messages: [await model.invoke(messages, signal === undefined ? {} : { signal })],
          }),
          {
            timeout: 50,
            errorHandler: () => ({
              messages: [new HumanMessage({ content: "too late", id: "late" })],
            }),
          },
        )
        .addEdge(START, "agent");
    };
    const one = bare(build);
    const two = watched(build);
    expect(plain(await two.graph.invoke(INPUT, thread()))).toEqual(
      plain(await one.graph.invoke(INPUT, thread())),
    );
    expect(two.spy.models).toHaveLength(1);
  });

  test("keeps private state of a node that was in time", async () => {
    const subject = watched(failing(0, { timeout: 30_000 }));
    await subject.graph.invoke(INPUT, thread());
    expect(await privateEntries(subject, "_spy")).toEqual({ run: 1, "model 1": "agent#0" });
  });
});

/** A cache of node results as LangGraph asks for it. */
function nodeCache(): object {
  const held = new Map<string, unknown>();
  const text = (key: unknown): string => JSON.stringify(key);
  return {
    get: async (keys: unknown[]) =>
      keys
        .filter((key) => held.has(text(key)))
        .map((key) => ({ key, value: structuredClone(held.get(text(key))) })),
    set: async (pairs: { key: unknown; value: unknown }[]) => {
      for (const { key, value } of pairs) held.set(text(key), structuredClone(value));
    },
    clear: async () => held.clear(),
  };
}

describe("cachePolicy", () => {
  const build: Build = (kit) => {
    const model = kit.model(() => ({ content: "Here." }));
    return new StateGraph(Annotation.Root({ text: Annotation<string> }))
      .addNode("agent", async ({ text }) => ({ text: (await model.invoke(text)).text }), {
        cachePolicy: true,
      })
      .addEdge(START, "agent");
  };

  test("spares a cached node's model call as in the bare graph", async () => {
    const { graph, kit, spy } = watched(build, { cache: nodeCache() });
    const first = await graph.invoke({ text: "Hello?" }, thread("one"));
    const second = await graph.invoke({ text: "Hello?" }, thread("two"));
    expect(second).toEqual(first);
    expect(kit.modelCalls()).toBe(1);
    expect(spy.models).toHaveLength(1);
    expect(spy.outcomes).toEqual(["completed", "completed"]);
  });

  test("shows a cached node's update as in the bare graph", async () => {
    const updates = async (graph: TestGraph): Promise<unknown> => {
      await graph.invoke({ text: "Hello?" }, thread("one"));
      const config = thread("two", { streamMode: "updates" });
      return collect(await graph.stream({ text: "Hello?" }, config));
    };
    const one = await updates(bare(build, { cache: nodeCache() }).graph);
    expect(JSON.stringify(one)).toContain('"cached":true');
    expect(await updates(watched(build, { cache: nodeCache() }).graph)).toEqual(one);
  });

  test("hands no execution's private state to another one", async () => {
    const subject = watched(build, { cache: nodeCache() });
    await subject.graph.invoke({ text: "Hello?" }, thread("one"));
    await subject.graph.invoke({ text: "Hello?" }, thread("two"));
    const [one, two] = await Promise.all(
      ["one", "two"].map((id) => privateEntries(subject, "_execution", id)),
    );
    expect([one?.["id"], two?.["id"]]).toEqual(subject.spy.runs);
    expect(await privateEntries(subject, "_spy", "two")).toEqual({ run: 1 });
  });
});

describe.each([
  { title: "interruptBefore", options: { interruptBefore: ["second"] } },
  { title: "interruptAfter", options: { interruptAfter: ["first"] } },
])("$title", ({ options }) => {
  const build: Build = (kit) => {
    const model = kit.model([{ content: "one" }, { content: "two" }]);
    const say = async ({ messages }: typeof MessagesAnnotation.State) => ({
      messages: [await model.invoke(messages)],
    });
    return new StateGraph(MessagesAnnotation)
      .addNode("first", say)
      .addNode("second", say)
      .addEdge(START, "first")
      .addEdge("first", "second")
      .compile({ checkpointer: kit.checkpointer, ...options } as object);
  };

  async function pauseAndGoOn(graph: TestGraph): Promise<unknown[]> {
    const paused = await graph.invoke(INPUT, thread());
    const { next } = await graph.getState(thread());
    const ended = await graph.invoke(null, thread());
    return [plain(paused), next, plain(ended)];
  }

  test("pauses and goes on as the bare graph does", async () => {
    const one = bare(build);
    const two = watched(build);
    expect(await pauseAndGoOn(two.graph)).toEqual(await pauseAndGoOn(one.graph));
    expect(await historyOf(two.graph, thread())).toEqual(await historyOf(one.graph, thread()));
    expect(two.spy.outcomes).toEqual(["interrupted", "completed"]);
    expect(new Set(two.spy.runs).size).toBe(1);
  });
});

describe("a Command to the parent graph", () => {
  test("keeps what the subgraph's calls left in private state", async () => {
    const build: Build = (kit) => {
      const model = kit.model(() => ({ content: "Here." }));
      const inner = new StateGraph(MessagesAnnotation)
        .addNode("agent", async ({ messages }) => {
          const answer = await model.invoke(messages);
          return new Command({
            graph: Command.PARENT,
            update: { messages: [answer] },
            goto: "after",
          });
        })
        .addEdge(START, "agent")
        .compile();
      return new StateGraph(MessagesAnnotation)
        .addNode("helper", inner, { ends: ["after"] })
        .addNode("after", () => ({ messages: [new HumanMessage({ content: "ok", id: "ok" })] }))
        .addEdge(START, "helper");
    };
    const one = bare(build);
    const two = watched(build);
    expect(plain(await two.graph.invoke(INPUT, thread()))).toEqual(
      plain(await one.graph.invoke(INPUT, thread())),
    );
    expect(await checkpointCounts(two.kit)).toEqual(await checkpointCounts(one.kit));
    expect(await privateEntries(two, "_spy")).toEqual({ run: 1, "model 1": "helper|agent#0" });
  });
});
