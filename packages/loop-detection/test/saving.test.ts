import { defineMiddleware, withMiddleware, wrapModel } from "@evenkeel/core";
import type { EvenkeelEvent, Middleware, Restart } from "@evenkeel/core";
import { freshDatabase, scriptedModel } from "@evenkeel/testing";
import { HumanMessage, RemoveMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import {
  Annotation,
  MemorySaver,
  MessagesAnnotation,
  START,
  Send,
  StateGraph,
} from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { describe, expect, test } from "vitest";

import { loopDetectionMiddleware } from "../src/index.ts";
import { SHAPES, ask, deploy, thread } from "./support/agent.ts";
import type { ScriptedCall, ScriptedReply, ScriptedTurns } from "./support/agent.ts";
import { counted } from "./support/shop.ts";

const call = (args: object = {}): ScriptedReply => ({ toolCalls: [{ name: "look_up", args }] });
const look = () => counted("look_up", ({ page }) => `nothing on ${String(page)}`).tool;
const done: ScriptedReply = { content: "done" };
const config = { ...thread(), recursionLimit: 200 };
const repliesIn = (messages: readonly BaseMessage[]): number =>
  messages.filter(({ type }) => type === "ai").length;

/** Works through pages, then asks for the last one again and again. */
function pagesThenLoop(pages: number, replies: number) {
  return ({ messages, parameters }: ScriptedCall): ScriptedReply => {
    const step = repliesIn(messages);
    if (step >= replies || parameters["tools"] === undefined) return done;
    return call({ page: Math.min(step, pages) });
  };
}

/** How often the model was told it had repeated itself, call by call. */
function counts(calls: readonly ScriptedCall[]): (string | undefined)[] {
  const texts = calls.map(({ messages }) => messages.map(({ text }) => text));
  return texts.map((said) =>
    said.map((text) => /(\d+) times/.exec(text)?.[1]).findLast((count) => count !== undefined),
  );
}

describe("what is saved", () => {
  test.each([
    ["a run of 30 calls that repeats nothing: its beginning, and every eighth turn", 30, 30, 4],
    ["a run that loops at its end: every turn from the third equal one on", 20, 24, 3 + 2],
  ])("on Postgres, two rows a time, of %s", async (_, pages, replies, saves) => {
    const database = await freshDatabase();
    const checkpointer = new PostgresSaver(database.pool);
    try {
      await checkpointer.setup();
      const { graph } = deploy({
        checkpointer,
        tools: [look()],
        turns: pagesThenLoop(pages, replies),
      });
      await graph.invoke(ask("Look."), config);
      const rows = async (kept: string): Promise<number> => {
        const query = `select 1 from ${kept} where channel = '_loopDetection'`;
        return (await database.pool.query(query)).rows.length;
      };
      expect([await rows("checkpoint_writes"), await rows("checkpoint_blobs")]).toEqual([
        saves,
        saves,
      ]);
    } finally {
      await database.drop();
    }
  });
});

describe("a process that dies between two saves", () => {
  const script = pagesThenLoop(5, 14);

  /** Runs until a call of the model, dies there, and lets another process go on. */
  async function diesAt(step: number, shape: (typeof SHAPES)[number]) {
    const checkpointer = new MemorySaver();
    const start = (turns: ScriptedTurns) => deploy({ shape, checkpointer, tools: [look()], turns });
    const dying = start((asked) =>
      repliesIn(asked.messages) === step ? { error: new Error("killed") } : script(asked),
    );
    await expect(dying.graph.invoke(ask("Look."), config)).rejects.toThrow("killed");
    const next = start(script);
    await next.graph.invoke(null, config);
    return { dying, next };
  }

  /** Events by sequence, as a store keeps them: what is told again under its number is one. */
  const told = (...events: EvenkeelEvent[]) => {
    const loops = events.filter(({ name }) => name === "loop-detected");
    const bySequence = new Map(loops.map(({ sequence, detail }) => [sequence, detail]));
    return [...bySequence].toSorted(([one], [other]) => one - other).map(([, detail]) => detail);
  };

  test.each(SHAPES)("in a %s is on the same rung at the same call", async (shape) => {
    const whole = deploy({ shape, tools: [look()], turns: script });
    await whole.graph.invoke(ask("Look."), config);
    const expected = counts(whole.model.calls);
    expect(expected).toContain("8");
    for (const step of shape === "StateGraph" ? [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12] : [4, 7]) {
      const { dying, next } = await diesAt(step, shape);
      expect(counts(next.model.calls), `killed at ${step}`).toEqual(expected.slice(step));
      if (shape === "createAgent native") continue;
      expect(told(...dying.events, ...next.events), `killed at ${step}`).toEqual(
        told(...whole.events),
      );
    }
  });

  /** Loops over one page and keeps but the last messages once there are enough of them. */
  function summarising(keep: number, turns: ScriptedTurns, checkpointer: MemorySaver) {
    const model = scriptedModel(turns);
    const bound = wrapModel(model).bindTools([look()]);
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({ messages: [await bound.invoke(messages)] }))
      .addNode("tools", new ToolNode([look()]))
      .addNode("summarise", ({ messages }) => {
        if (messages.length < 9) return {};
        const old = messages.slice(0, -keep).map(({ id }) => new RemoveMessage({ id: id ?? "" }));
        return { messages: [...old, new HumanMessage("So far: nothing.")] };
      })
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "summarise")
      .addEdge("summarise", "agent")
      .compile({ checkpointer });
    return { model, graph: withMiddleware(graph, [loopDetectionMiddleware()]) };
  }

  /** A model that goes by how often it was asked, not by what it is shown. */
  function byCall(from: number, die?: number): ScriptedTurns {
    let next = from;
    return () => {
      const step = next;
      next += 1;
      if (step === die) return { error: new Error("killed") };
      return step < 9 ? call({ page: Math.min(step, 2) }) : done;
    };
  }

  test.each([2, 4, 6])("after a summary that left %i messages counts on", async (keep) => {
    const whole = summarising(keep, byCall(0), new MemorySaver());
    await whole.graph.invoke(ask("Look."), config);
    const expected = counts(whole.model.calls);
    expect(expected.filter((count) => count !== undefined)).toEqual(["3", "4", "5", "6", "7"]);
    for (const die of [5, 6, 7]) {
      const checkpointer = new MemorySaver();
      const dying = summarising(keep, byCall(0, die), checkpointer);
      await expect(dying.graph.invoke(ask("Look."), config)).rejects.toThrow("killed");
      const next = summarising(keep, byCall(die), checkpointer);
      await next.graph.invoke(null, config);
      expect(counts(next.model.calls), `killed at ${die}`).toEqual(expected.slice(die));
    }
  });

  test("in the very call after a summary forgets what neither a save nor the list holds", async () => {
    const checkpointer = new MemorySaver();
    const dying = summarising(2, byCall(0, 4), checkpointer);
    await expect(dying.graph.invoke(ask("Look."), config)).rejects.toThrow("killed");
    const next = summarising(2, byCall(4), checkpointer);
    await next.graph.invoke(null, config);
    // The first of the equal turns is gone: the model is told one call later.
    expect(counts(next.model.calls)).toEqual([undefined, undefined, "3", "4", "5", "6"]);
  });
});

describe("what a process remembers beyond its last save", () => {
  /** Fails an attempt at one call of the model, and begins again. */
  const again = (restart: Restart): Middleware =>
    defineMiddleware({
      name: "again",
      options: {},
      attempts: true,
      retries: true,
      async wrapRun(request, handler) {
        const outcome = await handler(request);
        if (outcome.status !== "failed") return outcome;
        const { error: cause } = outcome;
        return handler(await request.nextAttempt({ restart, cause, failure: "unknown" }));
      },
    });

  test.each<[Restart, (string | undefined)[]]>([
    ["start", [undefined, undefined, undefined, undefined, undefined, undefined, "3"]],
    ["last-decision", [undefined, undefined, undefined, undefined, "3"]],
    ["resume", [undefined, undefined, undefined, undefined, "3"]],
  ])("does not count for an attempt that begins again at %s", async (restart, expected) => {
    let failures = 0;
    const agent = deploy({
      beside: [again(restart)],
      tools: [look()],
      turns: ({ messages }) => {
        const step = repliesIn(messages);
        if (step === 2 && failures < 1) {
          failures += 1;
          return { error: new Error("out of order") };
        }
        return step < 3 ? call({ page: 0 }) : done;
      },
    });
    await agent.graph.invoke(ask("Look."), config);
    expect(counts(agent.model.calls)).toEqual(expected);
  });

  test("is told once where LangGraph tries a node again", async () => {
    let failures = 0;
    const model = scriptedModel(({ messages }) => {
      const step = repliesIn(messages);
      if (step === 3 && failures < 2) {
        failures += 1;
        return { error: new Error("overloaded") };
      }
      return step < 3 ? call({ page: 0 }) : done;
    });
    const bound = wrapModel(model).bindTools([look()]);
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({ messages: [await bound.invoke(messages)] }), {
        retryPolicy: { maxAttempts: 3, initialInterval: 1, retryOn: () => true },
      })
      .addNode("tools", new ToolNode([look()]))
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "agent")
      .compile({ checkpointer: new MemorySaver() });
    const events: EvenkeelEvent[] = [];
    const agent = withMiddleware(graph, [loopDetectionMiddleware()], {
      onEvent: (event) => void events.push(event),
    });
    await agent.invoke(ask("Look."), config);
    expect(counts(model.calls)).toEqual([undefined, undefined, undefined, "3", "3", "3"]);
    const loops = events.filter(({ name }) => name === "loop-detected");
    expect(loops.map(({ detail }) => detail["count"])).toEqual([2, 3]);
  });

  test("of tasks of one node at work side by side is each one's own", async () => {
    const model = scriptedModel(({ messages }) => {
      const [first] = messages;
      const step = repliesIn(messages);
      return step < 4 ? call({ page: first?.text === "loop" ? 0 : step }) : done;
    });
    const bound = wrapModel(model).bindTools([look()]);
    const tools = new ToolNode([look()]);
    const State = Annotation.Root({ job: Annotation<string>() });
    const graph = new StateGraph(State)
      .addNode("worker", async ({ job }: typeof State.State) => {
        const messages: BaseMessage[] = [new HumanMessage({ id: "human", content: job })];
        for (;;) {
          const reply = await bound.invoke(messages);
          messages.push(reply);
          if ((reply.tool_calls ?? []).length === 0) return {};
          const answers = (await tools.invoke({ messages })) as { messages: BaseMessage[] };
          messages.push(...answers.messages);
        }
      })
      .addConditionalEdges(START, () =>
        ["loop", "work", "loop", "work"].map((job) => new Send("worker", { job })),
      )
      .compile({ checkpointer: new MemorySaver() });
    await withMiddleware(graph, [loopDetectionMiddleware()]).invoke({ job: "" }, config);
    const told = (job: string) =>
      counts(model.calls.filter(({ messages }) => messages[0]?.text === job)).filter(
        (count) => count !== undefined,
      );
    expect([told("loop").toSorted(), told("work")]).toEqual([["3", "3", "4", "4"], []]);
  });
});
