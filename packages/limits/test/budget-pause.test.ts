import { wrapModel, withMiddleware } from "@evenkeel/core";
import type { EvenkeelEvent } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import {
  Annotation,
  Command,
  MemorySaver,
  START,
  StateGraph,
  interrupt,
} from "@langchain/langgraph";
import { describe, expect, test } from "vitest";

import { budgetMiddleware } from "../src/index.ts";
import type { BudgetMiddlewareOptions, BudgetPause } from "../src/index.ts";
import { SHAPES, agentOf, codeOf, thread } from "./support/agent.ts";
import type { Shape, TestGraph } from "./support/agent.ts";
import { ask, dangling, lastText, lookUp, seeker } from "./support/seeker.ts";

const resume = (value: unknown): Command => new Command({ resume: value });
const pauseOf = (result: Record<string, unknown>): BudgetPause | undefined =>
  (result["__interrupt__"] as { value: BudgetPause }[] | undefined)?.[0]?.value;

const setUp = (options: BudgetMiddlewareOptions, shape?: Shape, turns = 6) => {
  const saver = new MemorySaver();
  const events: EvenkeelEvent[] = [];
  const { tool, calls } = lookUp();
  const model = seeker({ turns });
  // Made anew for each part, as another process would.
  const graph = (): TestGraph =>
    agentOf({
      shape,
      model,
      tools: [tool],
      checkpointer: saver,
      events,
      middleware: [budgetMiddleware({ exitBehavior: "interrupt", ...options })],
    });
  return { graph, model, calls, events };
};

describe.each(SHAPES)("a pause at a limit, in a %s", (shape) => {
  test("shows what is used up, and goes on with as much again", async () => {
    const { graph, model, calls } = setUp({ perExecution: { tokens: 300 } }, shape);
    const paused = await graph().invoke(ask(), thread());
    expect(pauseOf(paused)).toMatchObject({
      code: "budget-exhausted",
      limit: "perExecution.tokens",
      spent: 300,
      allowed: 300,
    });
    // What the model had asked for was done.
    expect(calls).toHaveLength(3);
    const again = await graph().invoke(resume(true), thread());
    expect(pauseOf(again)).toMatchObject({ spent: 600, allowed: 600 });
    const done = await graph().invoke(resume({ extend: { tokens: 5_000 } }), thread());
    expect(lastText(done)).toBe("answered after 6 turns");
    expect(dangling(done)).toEqual([]);
    expect(model.calls).toHaveLength(7);
  });

  test.each([
    ["final-answer", /^answered after 3/],
    ["end", /tokens: 300 of 300/],
  ])("ends as a person says: %s", async (answer, text) => {
    const { graph } = setUp({ perExecution: { tokens: 300 } }, shape);
    await graph().invoke(ask(), thread());
    const done = await graph().invoke(resume(answer), thread());
    expect(lastText(done)).toMatch(text);
    expect(dangling(done)).toEqual([]);
  });
});

describe("a pause", () => {
  test("ends with a code where a person says so", async () => {
    const { graph } = setUp({ perExecution: { tokens: 300 } });
    await graph().invoke(ask(), thread());
    expect(await codeOf(graph().invoke(resume("error"), thread()))).toBe("budget-exhausted");
  });

  test.each([["yes"], [0.5], [{ extend: { tokens: -5 } }], [{ extend: "more" }], [42]])(
    "is repeated where the answer is %j",
    async (answer) => {
      const { graph, model } = setUp({ perExecution: { tokens: 300 } });
      await graph().invoke(ask(), thread());
      const again = await graph().invoke(resume(answer), thread());
      expect(pauseOf(again)).toMatchObject({ spent: 300, allowed: 300 });
      const done = await graph().invoke(resume("end"), thread());
      expect(lastText(done)).toContain("tokens: 300 of 300");
      expect(model.calls).toHaveLength(3);
    },
  );

  test("is not repeated once a person has said how to end", async () => {
    const { graph, model } = setUp({ perExecution: { tokens: 300 } });
    await graph().invoke(ask(), thread());
    const paused = { ...thread(), interruptAfter: ["agent"] };
    await graph().invoke(resume("end"), paused);
    await graph().invoke(null, thread());
    expect(model.calls).toHaveLength(3);
  });

  test("extends the thread's budget where that is what is used up", async () => {
    const { graph } = setUp({ perThread: { tokens: 300 } });
    const paused = await graph().invoke(ask(), thread());
    expect(pauseOf(paused)?.limit).toBe("perThread.tokens");
    await graph().invoke(resume({ extend: { tokens: 400 } }), thread());
    const next = await graph().invoke(ask("And then?"), thread());
    expect(pauseOf(next)).toMatchObject({ allowed: 700 });
  });

  test("comes after a tool call that was refused, not before one that is allowed", async () => {
    const { graph, calls } = setUp({ perExecution: { toolCalls: 2 } });
    const paused = await graph().invoke(ask(), thread());
    expect(pauseOf(paused)?.limit).toBe("perExecution.toolCalls");
    expect(calls).toHaveLength(2);
    const done = await graph().invoke(resume({ extend: { toolCalls: 10 } }), thread());
    expect(lastText(done)).toBe("answered after 6 turns");
    expect(dangling(done)).toEqual([]);
  });

  test("does not happen where the answer needed no more", async () => {
    const { graph } = setUp({ perExecution: { toolCalls: 2 } }, undefined, 2);
    const done = await graph().invoke(ask(), thread());
    expect(lastText(done)).toBe("answered after 2 turns");
  });

  test("hands no answer of its own to another question of the node, after a crash either", async () => {
    const saver = new MemorySaver();
    const usage = { promptTokens: 60, completionTokens: 40 };
    const model = wrapModel(scriptedModel(() => ({ content: "hello", usage })));
    const answers: unknown[] = [];
    let crashes = 1;
    const State = Annotation.Root({ said: Annotation<string>() });
    const graph = (): TestGraph =>
      withMiddleware(
        new StateGraph(State)
          .addNode("first", async () => ({ said: (await model.invoke("hello")).text }))
          .addNode("second", async () => {
            const { text } = await model.invoke("hello again");
            if (crashes > 0) {
              crashes -= 1;
              throw new Error("cut off");
            }
            answers.push(interrupt("Shall I?"));
            return { said: text };
          })
          .addEdge(START, "first")
          .addEdge("first", "second"),
        [budgetMiddleware({ perExecution: { modelCalls: 1 }, exitBehavior: "interrupt" })],
        { checkpointer: saver },
      );
    const paused = await graph().invoke({ said: "" }, thread());
    expect(pauseOf(paused)?.limit).toBe("perExecution.modelCalls");
    // By its id: a bare answer is handed out twice by LangGraph itself after a crash.
    const [{ id = "" } = {}] = paused["__interrupt__"] as { id?: string }[];
    const more = resume({ [id]: { extend: { modelCalls: 10 } } });
    await expect(graph().invoke(more, thread())).rejects.toThrow("cut off");
    const asked = await graph().invoke(null, thread());
    expect(asked["__interrupt__"]).toMatchObject([{ value: "Shall I?" }]);
    await graph().invoke(resume("go on"), thread());
    expect(answers).toEqual(["go on"]);
  });

  test("is none in observe: the run goes on, and it is reported", async () => {
    const { graph, events, model } = setUp({ perExecution: { tokens: 300 }, mode: "observe" });
    const done = await graph().invoke(ask(), thread());
    expect(lastText(done)).toBe("answered after 6 turns");
    expect(model.calls).toHaveLength(7);
    expect(events.map(({ name }) => name)).toContain("budget-exhausted");
  });
});
