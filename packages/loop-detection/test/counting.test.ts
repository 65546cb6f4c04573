import { withMiddleware, wrapModel } from "@evenkeel/core";
import { freshDatabase, scriptedModel } from "@evenkeel/testing";
import { AIMessage, HumanMessage, RemoveMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import {
  Annotation,
  Command,
  END,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
  interrupt,
} from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { createDeepAgent } from "deepagents";
import { describe, expect, test } from "vitest";

import { loopDetectionMiddleware } from "../src/index.ts";
import { SHAPES, ask, deploy, textsOf, thread, toldIn, toldTo } from "./support/agent.ts";
import type { ScriptedCall, ScriptedReply, TestGraph } from "./support/agent.ts";
import { counted } from "./support/shop.ts";

const call = (name: string, args: object = {}): ScriptedReply => ({ toolCalls: [{ name, args }] });
const done: ScriptedReply = { content: "done" };
const look = (): ReturnType<typeof counted> => counted("look_up", () => "nothing");
const ledger = (): ReturnType<typeof counted> =>
  counted("approve", () => `approved: ${interrupt("Go on?")}`);

/** Looks up three times with an approval between, then says what it was told. */
function acrossPause(asked: ScriptedCall): ScriptedReply {
  const steps = ["look_up", "look_up", "approve", "look_up"];
  const step = steps[asked.messages.filter(({ type }) => type === "ai").length];
  return step === undefined ? { content: `told: ${toldTo(asked) ?? "nothing"}` } : call(step);
}

describe.each(SHAPES)("in a %s", (shape) => {
  test("counts go on after a pause, in another process", async () => {
    const checkpointer = new MemorySaver();
    const agent = () =>
      deploy({
        shape,
        checkpointer,
        turns: acrossPause,
        tools: [look().tool, ledger().tool],
      });
    const paused = await agent().graph.invoke(ask("Look."), thread());
    expect(paused["__interrupt__"]).toHaveLength(1);
    const output = await agent().graph.invoke(new Command({ resume: "yes" }), thread());
    expect(textsOf(output).at(-1)).toMatch(/^told: You called "look_up" 3 times/);
  });

  test("a new input starts them afresh", async () => {
    const twice = ({ messages }: ScriptedCall): ScriptedReply => {
      const since = messages.slice(messages.findLastIndex(({ type }) => type === "human"));
      return since.filter(({ type }) => type === "tool").length < 2 ? call("look_up") : done;
    };
    const agent = deploy({ shape, turns: twice, tools: [look().tool] });
    for (const id of ["one", "two", "three"]) {
      const messages = [new HumanMessage({ id, content: "Look." })];
      await agent.graph.invoke({ messages }, thread());
    }
    expect(agent.model.calls).toHaveLength(9);
    expect(toldIn(agent).filter((told) => told !== undefined)).toEqual([]);
  });

  test("threads at work at once do not see each other", async () => {
    // Each thread asks for as many equal looks as its input says; the text of the last reply is what it was told.
    const agent = deploy({
      shape,
      tools: [look().tool],
      turns: (asked) => {
        const wanted = Number(asked.messages.find(({ type }) => type === "human")?.text);
        const had = asked.messages.filter(({ type }) => type === "tool").length;
        return had < wanted ? call("look_up") : { content: toldTo(asked) ?? "nothing" };
      },
    });
    const wanted = [1, 2, 3, 4, 2, 1, 3];
    const outputs = await Promise.all(
      wanted.map((looks, index) => agent.graph.invoke(ask(String(looks)), thread(`t${index}`))),
    );
    const told = outputs.map((output) => /(\d) times/.exec(textsOf(output).at(-1) ?? "")?.[1]);
    expect(told).toEqual([undefined, undefined, "3", "4", undefined, undefined, "3"]);
  });

  test("parallel calls of one turn count as a set, in any order, and are blocked as one", async () => {
    const [one, other] = [counted("one", () => "1"), counted("other", () => "2")];
    const both = [
      { name: "one", args: {} },
      { name: "other", args: {} },
    ];
    const agent = deploy({
      shape,
      tools: [one.tool, other.tool],
      turns: ({ messages }) => {
        const replies = messages.filter(({ type }) => type === "ai").length;
        return replies < 6 ? { toolCalls: replies % 2 === 0 ? both : both.toReversed() } : done;
      },
    });
    const output = await agent.graph.invoke(ask("Both."), { ...thread(), recursionLimit: 100 });
    expect(toldIn(agent).map((told) => /(\d) times/.exec(told ?? "")?.[1])).toEqual([
      undefined,
      undefined,
      undefined,
      "3",
      "4",
      "5",
      "6",
    ]);
    expect([one.calls(), other.calls()]).toEqual([5, 5]);
    expect(textsOf(output).filter((text) => text.startsWith("Not executed"))).toHaveLength(2);
  });
});

test("on Postgres, with a pause and a new process between", async () => {
  const database = await freshDatabase();
  const saver = (): PostgresSaver => new PostgresSaver(database.pool);
  const savers = [saver(), saver()] as const;
  try {
    await savers[0].setup();
    const agent = (checkpointer: PostgresSaver) =>
      deploy({ checkpointer, turns: acrossPause, tools: [look().tool, ledger().tool] });
    await agent(savers[0]).graph.invoke(ask("Look."), thread());
    const output = await agent(savers[1]).graph.invoke(new Command({ resume: "yes" }), thread());
    expect(textsOf(output).at(-1)).toMatch(/^told: You called "look_up" 3 times/);
  } finally {
    await database.drop();
  }
});

test("a model call that fails and is made again counts its turn once", async () => {
  let failures = 0;
  const agent = deploy({
    tools: [look().tool],
    turns: ({ messages }) => {
      const replies = messages.filter(({ type }) => type === "ai").length;
      if (replies === 2 && failures < 3) {
        failures += 1;
        return { error: new Error("overloaded") };
      }
      return replies < 3 ? call("look_up") : done;
    },
  });
  await expect(agent.graph.invoke(ask("Look."), thread())).rejects.toThrow("overloaded");
  for (let again = 0; again < 2; again += 1) {
    await expect(agent.graph.invoke(null, thread())).rejects.toThrow("overloaded");
  }
  await agent.graph.invoke(null, thread());
  const told = toldIn(agent).filter((one) => one !== undefined);
  expect(told).toHaveLength(1);
  expect(told[0]).toContain("3 times");
});

describe("subgraphs", () => {
  const loopThrice = ({ messages }: ScriptedCall): ScriptedReply =>
    messages.filter(({ type }) => type === "tool").length < 3 ? call("look_up") : done;

  test("counts go on where each step is a call of the subgraph of its own", async () => {
    const model = scriptedModel(loopThrice);
    const bound = wrapModel(model).bindTools([look().tool]);
    const step = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({ messages: [await bound.invoke(messages)] }))
      .addNode("tools", new ToolNode([look().tool]))
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .compile();
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("step", step)
      .addEdge(START, "step")
      .addConditionalEdges("step", ({ messages }) =>
        messages.at(-1)?.type === "tool" ? "step" : END,
      )
      .compile({ checkpointer: new MemorySaver() });
    await withMiddleware(graph, [loopDetectionMiddleware()]).invoke(ask("Look."), thread());
    expect(model.calls.map(toldTo).map((told) => told?.includes("3 times"))).toEqual([
      undefined,
      undefined,
      undefined,
      true,
    ]);
  });

  test("of two at work side by side only the one that loops is told", async () => {
    const State = Annotation.Root({
      ...MessagesAnnotation.spec,
      left: Annotation<BaseMessage[]>(),
      right: Annotation<BaseMessage[]>(),
    });
    const worker = (args: (step: number) => object) => {
      const model = scriptedModel(({ messages }) => {
        const step = messages.filter(({ type }) => type === "tool").length;
        return step < 4 ? call("look_up", args(step)) : done;
      });
      const bound = wrapModel(model).bindTools([look().tool]);
      const graph = new StateGraph(MessagesAnnotation)
        .addNode("agent", async ({ messages }) => ({ messages: [await bound.invoke(messages)] }))
        .addNode("tools", new ToolNode([look().tool]))
        .addEdge(START, "agent")
        .addConditionalEdges("agent", toolsCondition)
        .addEdge("tools", "agent")
        .compile();
      return { model, graph };
    };
    const loops = worker(() => ({}));
    const works = worker((page) => ({ page }));
    const graph = new StateGraph(State)
      .addNode("one", async (_state, config) => ({
        left: (await loops.graph.invoke(ask("Look."), config)).messages,
      }))
      .addNode("other", async (_state, config) => ({
        right: (await works.graph.invoke(ask("Look."), config)).messages,
      }))
      .addEdge(START, "one")
      .addEdge(START, "other")
      .compile({ checkpointer: new MemorySaver() });
    await withMiddleware(graph, [loopDetectionMiddleware()]).invoke(ask("Go."), thread());
    const told = ({ model }: typeof loops) =>
      model.calls.map(toldTo).filter((one) => one !== undefined).length;
    expect([told(loops), told(works)]).toEqual([2, 0]);
  });

  test("a subagent of deepagents is told about its own loop, and the next one starts afresh", async () => {
    const clerk = scriptedModel(({ messages }) =>
      messages.filter(({ type }) => type === "tool").length < 3 ? call("look_up") : done,
    );
    const task = { name: "task", args: { description: "Look.", subagent_type: "clerk" } };
    const main = scriptedModel(({ messages }) => {
      const had = messages.filter(({ type }) => type === "tool").length;
      return had < 2 ? { toolCalls: [{ ...task, args: { ...task.args, n: had } }] } : done;
    });
    const deep = createDeepAgent({
      model: wrapModel(main) as never,
      subagents: [
        {
          name: "clerk",
          description: "Looks things up.",
          systemPrompt: "Look.",
          model: wrapModel(clerk) as never,
          tools: [look().tool] as never,
        },
      ],
      checkpointer: new MemorySaver(),
    }) as object;
    const graph = withMiddleware(deep, [loopDetectionMiddleware()]) as unknown as TestGraph;
    await graph.invoke(ask("Have it looked up twice."), thread());
    const told = clerk.calls.map(toldTo).map((one) => one !== undefined);
    expect(told).toEqual([false, false, false, true, false, false, false, true]);
  });
});

describe("a history that is not whole", () => {
  const loopThenEnd = (limit: number) => {
    let replies = 0;
    return (): ScriptedReply => {
      replies += 1;
      return replies <= limit ? call("look_up") : done;
    };
  };

  /** An agent that sends its model a part of the state's messages. */
  function trimming(part: (messages: BaseMessage[]) => BaseMessage[], replies: number) {
    const model = scriptedModel(loopThenEnd(replies));
    const bound = wrapModel(model).bindTools([look().tool]);
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({
        messages: [await bound.invoke(part(messages))],
      }))
      .addNode("tools", new ToolNode([look().tool]))
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "agent")
      .compile({ checkpointer: new MemorySaver() });
    return { model, graph: withMiddleware(graph, [loopDetectionMiddleware()]) };
  }

  test.each<[string, (messages: BaseMessage[]) => BaseMessage[]]>([
    ["its last turn", (messages) => messages.slice(-2)],
    [
      "a summary and the last turn",
      (messages) => [
        new HumanMessage({ id: `summary-${messages.length}`, content: "So far: nothing." }),
        ...messages.slice(-2).filter(({ type }) => type !== "human"),
      ],
    ],
    [
      "copies without ids",
      (messages) =>
        messages.map((message) => {
          if (AIMessage.isInstance(message)) {
            return new AIMessage({ content: message.text, tool_calls: message.tool_calls ?? [] });
          }
          return ToolMessage.isInstance(message)
            ? new ToolMessage({ content: message.text, tool_call_id: message.tool_call_id })
            : message;
        }),
    ],
  ])("is counted all the same where the model gets %s", async (_, part) => {
    const { model, graph } = trimming(part, 4);
    await graph.invoke(ask("Look."), thread());
    const counts = model.calls.map(toldTo).map((told) => /(\d) times/.exec(told ?? "")?.[1]);
    expect(counts).toEqual([undefined, undefined, undefined, "3", "4"]);
  });

  test("nor does a summary that replaces everything in the state lose the count", async () => {
    const model = scriptedModel(loopThenEnd(4));
    const bound = wrapModel(model).bindTools([look().tool]);
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({ messages: [await bound.invoke(messages)] }))
      .addNode("tools", new ToolNode([look().tool]))
      .addNode("summarise", ({ messages }) => {
        if (messages.length < 5) return {};
        const old = messages.slice(0, -2).map(({ id }) => new RemoveMessage({ id: id ?? "" }));
        return {
          messages: [...old, new HumanMessage({ id: "summary", content: "So far: nothing." })],
        };
      })
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "summarise")
      .addEdge("summarise", "agent")
      .compile({ checkpointer: new MemorySaver() });
    await withMiddleware(graph, [loopDetectionMiddleware()]).invoke(ask("Look."), thread());
    const counts = model.calls.map(({ messages }) =>
      messages.map(({ text }) => /(\d) times/.exec(text)?.[1]).find((count) => count !== undefined),
    );
    expect(counts).toEqual([undefined, undefined, undefined, "3", "4"]);
  });
});
