import { withMiddleware, wrapModel } from "@evenkeel/core";
import type { EvenkeelEvent } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import type { ScriptedModel } from "@evenkeel/testing";
import type { BaseMessage } from "@langchain/core/messages";
import {
  Annotation,
  MemorySaver,
  MessagesAnnotation,
  START,
  Send,
  StateGraph,
} from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { createDeepAgent } from "deepagents";
import { describe, expect, test } from "vitest";

import { budgetMiddleware } from "../src/index.ts";
import type { BudgetMiddlewareOptions } from "../src/index.ts";
import { SHAPES, agentOf, keptIn, thread } from "./support/agent.ts";
import type { TestGraph, ToolModel } from "./support/agent.ts";
import { ask, dangling, lastText, lookUp, seeker } from "./support/seeker.ts";

const usage = { promptTokens: 60, completionTokens: 40 };
const replying = (delayMs = 0): ScriptedModel =>
  scriptedModel(() => ({ content: "found", usage, delayMs }));

async function sumsOf(
  saver: MemorySaver,
  part: "execution" | "thread" = "execution",
): Promise<unknown> {
  const { spent } = await keptIn(saver, "_budget");
  return (spent as Record<typeof part, { sums: unknown }> | undefined)?.[part].sums;
}

/** A node that is sent to many times at once; the first one by path is the last one to end. */
function fanOut(branches: number, options: BudgetMiddlewareOptions, checkpointer: MemorySaver) {
  const models = Array.from({ length: branches }, (_, index) => replying((branches - index) * 5));
  const wrapped = models.map((model) => wrapModel(model));
  const State = Annotation.Root({
    index: Annotation<number>(),
    said: Annotation<string[]>({ reducer: (one, other) => [...one, ...other], default: () => [] }),
  });
  const graph = withMiddleware(
    new StateGraph(State)
      .addNode("work", async ({ index }) => {
        const answer = await wrapped[index]?.invoke("hello");
        return { said: [answer?.text ?? ""] };
      })
      .addConditionalEdges(
        START,
        () => models.map((_, index) => new Send("work", { index, said: [] })),
        ["work"],
      ),
    [budgetMiddleware(options)],
    { checkpointer },
  );
  const made = (): number => models.reduce((sum, { calls }) => sum + calls.length, 0);
  return { graph, made };
}

describe("calls of one superstep", () => {
  test("see each other: no more are made than allowed", async () => {
    const { graph, made } = fanOut(8, { perExecution: { modelCalls: 3 } }, new MemorySaver());
    const { said } = await graph.invoke({ index: 0 }, thread() as never);
    expect(made()).toBe(3);
    expect(said).toHaveLength(8);
    expect(said.filter((text) => text.includes("model calls: 3 of 3"))).toHaveLength(5);
  });

  test("are all in the sums that are kept, in whichever order they end", async () => {
    const saver = new MemorySaver();
    const { graph } = fanOut(6, { perExecution: { modelCalls: 100, tokens: 1e6 } }, saver);
    await graph.invoke({ index: 0 }, thread() as never);
    expect(await sumsOf(saver)).toMatchObject({ modelCalls: 6, tokens: 600 });
  });
});

/** An agent in a subgraph, called by a node of a graph that loops over it. */
function nested(rounds: number, options: BudgetMiddlewareOptions, checkpointer: MemorySaver) {
  const { tool, calls } = lookUp();
  const model = seeker({ turns: 100 });
  const bound = (wrapModel(model) as unknown as ToolModel).bindTools([tool]);
  const team = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await bound.invoke(messages)] }))
    .addNode("tools", new ToolNode([tool]))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile();
  const State = Annotation.Root({
    ...MessagesAnnotation.spec,
    round: Annotation<number>({ reducer: (_, next) => next, default: () => 0 }),
  });
  const graph = withMiddleware(
    new StateGraph(State)
      .addNode("team", team)
      .addNode("count", ({ round }) => ({ round: round + 1 }))
      .addEdge(START, "team")
      .addEdge("team", "count")
      .addConditionalEdges("count", ({ round }) => (round < rounds ? "team" : "__end__")),
    [budgetMiddleware(options)],
    { checkpointer },
  ) as unknown as TestGraph;
  return { graph, model, calls };
}

describe("a subgraph", () => {
  test("spends the budget of the execution around it, each time it is called", async () => {
    const saver = new MemorySaver();
    const { graph, model, calls } = nested(3, { perExecution: { toolCalls: 4 } }, saver);
    const result = await graph.invoke(ask(), thread("thread-1", { recursionLimit: 100 }));
    expect(calls).toHaveLength(4);
    expect(dangling(result)).toEqual([]);
    // One answer of the model after the end; the rounds after it get the closing words.
    expect(model.calls).toHaveLength(5);
    expect(await sumsOf(saver)).toMatchObject({ toolCalls: 4, modelCalls: 5 });
  });

  test("in deepagents is a subagent: its models spend from the same budget", async () => {
    const { tool, calls } = lookUp();
    const clerk = seeker({ turns: 100 });
    const model = scriptedModel(({ messages }: { messages: readonly BaseMessage[] }) =>
      messages.some(({ type }) => type === "tool")
        ? { content: "done", usage }
        : {
            toolCalls: [
              { name: "task", args: { subagent_type: "clerk", description: "look" }, id: "task-1" },
            ],
            usage,
          },
    );
    const saver = new MemorySaver();
    const agent = createDeepAgent({
      model: wrapModel(model) as never,
      tools: [],
      checkpointer: saver,
      subagents: [
        {
          name: "clerk",
          description: "Looks things up",
          systemPrompt: "Look it up.",
          model: wrapModel(clerk) as never,
          tools: [tool] as never,
        },
      ],
    });
    const graph = withMiddleware(agent as never, [
      budgetMiddleware({ perExecution: { tokens: 500 } }),
    ]) as unknown as TestGraph;
    const result = await graph.invoke(ask(), thread("thread-1", { recursionLimit: 100 }));
    // One call of the agent, four of the clerk, and its last one, which answers.
    expect(clerk.calls).toHaveLength(5);
    expect(calls).toHaveLength(4);
    expect(lastText(result)).toBe("done");
    expect(dangling(result)).toEqual([]);
  });
});

describe.each(SHAPES)("a thread, in a %s", (shape) => {
  const graphOf = (saver: MemorySaver, options: BudgetMiddlewareOptions) => {
    const model = seeker({ turns: 2 });
    const graph = agentOf({
      shape,
      model,
      tools: [lookUp().tool],
      checkpointer: saver,
      middleware: [budgetMiddleware(options)],
    });
    return { model, graph };
  };

  test("spends over all its executions, and an execution anew each time", async () => {
    const saver = new MemorySaver();
    const { graph } = graphOf(saver, { perThread: { tokens: 1e6 }, perExecution: { tokens: 1e6 } });
    for (let turn = 0; turn < 2; turn += 1) await graph.invoke(ask(), thread());
    const [execution, whole] = [await sumsOf(saver), await sumsOf(saver, "thread")] as {
      modelCalls: number;
    }[];
    expect(whole?.modelCalls).toBeGreaterThan(execution?.modelCalls ?? 0);
  });

  test("whose budget is used up answers once more, and then no more with the model", async () => {
    const saver = new MemorySaver();
    const { graph, model } = graphOf(saver, { perThread: { tokens: 250 } });
    await graph.invoke(ask(), thread());
    const last = await graph.invoke(ask("And then?"), thread());
    expect(lastText(last)).toMatch(/^answered/);
    const before = model.calls.length;
    const after = await graph.invoke(ask("And now?"), thread());
    expect(lastText(after)).toContain("tokens");
    expect(model.calls).toHaveLength(before);
    await graph.invoke(ask(), thread("another thread"));
    expect(model.calls.length).toBeGreaterThan(before);
  });
});

describe("a tool with limits of its own", () => {
  test("is hidden once it is used up, and the run goes on with the others", async () => {
    const events: EvenkeelEvent[] = [];
    const [first, second] = [lookUp(), lookUp(undefined, { name: "look_again" })];
    const model = scriptedModel(({ messages, parameters }) => {
      const turn = messages.filter(({ type }) => type === "ai").length;
      const names = (parameters["tools"] as { function: { name: string } }[]).map(
        (one) => one.function.name,
      );
      if (turn >= 4) return { content: "done", usage };
      const toolCalls = names.map((name) => ({
        name,
        id: `${name}-${turn}`,
        args: { item: String(turn) },
      }));
      return { toolCalls, usage };
    });
    const graph = agentOf({
      model,
      events,
      tools: [first.tool, second.tool],
      middleware: [budgetMiddleware({ perTool: { look_up: { calls: 2 } } })],
    });
    const result = await graph.invoke(ask(), thread());
    expect([first.calls.length, second.calls.length]).toEqual([2, 4]);
    expect(lastText(result)).toBe("done");
    expect(events.map(({ name }) => name)).toEqual(["budget-warned"]);
  });

  test("answers calls beyond its limit, and only those", async () => {
    const { tool, calls } = lookUp();
    const graph = agentOf({
      model: seeker({ callsPerTurn: 3, turns: 1 }),
      tools: [tool],
      middleware: [budgetMiddleware({ perTool: { look_up: { calls: 2 } } })],
    });
    const result = await graph.invoke(ask(), thread());
    expect(calls).toEqual(["0-0", "0-1"]);
    expect(dangling(result)).toEqual([]);
    expect(lastText(result)).toBe("answered after 1 turns");
  });

  test("is limited in the time its calls took", async () => {
    let now = 1_000;
    const { tool, calls } = lookUp(() => {
      now += 30;
      return "found";
    });
    const graph = agentOf({
      model: seeker({ turns: 5 }),
      tools: [tool],
      run: { clock: () => now },
      middleware: [budgetMiddleware({ perTool: { look_up: { wallTimeMs: 50 } } })],
    });
    await graph.invoke(ask(), thread());
    expect(calls).toHaveLength(2);
  });
});

test("a fork of an execution goes on with what its other branches have spent", async () => {
  const saver = new MemorySaver();
  const make = () => {
    const model = seeker();
    const graph = agentOf({
      model,
      tools: [lookUp().tool],
      checkpointer: saver,
      middleware: [budgetMiddleware({ perExecution: { modelCalls: 6 } })],
    });
    return { model, graph };
  };
  const one = make();
  await one.graph.invoke(ask(), thread());
  expect(one.model.calls).toHaveLength(6);
  const points: { configurable?: Record<string, unknown> }[] = [];
  for await (const { config, next } of one.graph.getStateHistory(thread())) {
    if (next.includes("agent")) points.push(config);
  }
  const other = make();
  const result = await other.graph.invoke(null, points.at(-2));
  expect(other.model.calls).toHaveLength(0);
  expect(lastText(result)).toContain("model calls: 6 of 6");
});

test("wall time is what the run was at work, not what it waited for a person", async () => {
  const saver = new MemorySaver();
  let now = 1_000;
  const clock = (): number => now;
  const slow = lookUp(() => {
    now += 40;
    return "found";
  });
  const graph = agentOf({
    model: seeker(),
    tools: [slow.tool],
    checkpointer: saver,
    run: { clock },
    middleware: [budgetMiddleware({ perExecution: { wallTimeMs: 100 } })],
  });
  const paused = { ...thread(), interruptBefore: ["tools"] };
  await graph.invoke(ask(), paused);
  now += 1e9;
  const result = await graph.invoke(null, thread());
  expect(slow.calls).toHaveLength(3);
  expect(lastText(result)).toMatch(/^answered after 3/);
});
