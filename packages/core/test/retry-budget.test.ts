import { HumanMessage } from "@langchain/core/messages";
import { MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import fc from "fast-check";
import { createAgent } from "langchain";
import { describe, expect, test } from "vitest";

import { scriptedModel } from "../../testing/src/model/scripted-model.ts";
import {
  RETRY_CAPACITY,
  RETRY_COSTS,
  defineMiddleware,
  memoryRetryBudget,
  tokenBucket,
  withMiddleware,
  wrapModel,
} from "../src/index.ts";
import type { Middleware, RetryBudget, RetryDraw, RetryGrant } from "../src/index.ts";

const draw = (by: string): RetryDraw => ({
  by,
  kind: "model",
  target: "openai",
  callId: null,
  failure: { failureClass: "infrastructure", rule: "http-503" },
});

describe("a bucket", () => {
  test("never holds less than nothing or more than its capacity", () => {
    const step = fc.tuple(fc.boolean(), fc.double({ noNaN: false }));
    fc.assert(
      fc.property(fc.nat(100), fc.double({ noNaN: false }), fc.array(step), (most, kept, steps) => {
        const bucket = tokenBucket(most, kept);
        return steps.every(([takes, tokens]) => {
          const before = bucket.level();
          const taken = takes && bucket.take(tokens);
          if (!takes) bucket.give(tokens);
          const untouched = !takes || taken || bucket.level() === before;
          return untouched && bucket.level() >= 0 && bucket.level() <= most;
        });
      }),
    );
  });

  test.each([Number.NaN, -1, Infinity])("refuses a capacity of %s", (capacity) => {
    expect(() => tokenBucket(capacity)).toThrow(/capacity must be a number from 0/);
  });
});

describe("the built-in budget", () => {
  test("grants as many retries as its capacity pays for, by class of failure", async () => {
    const budget = memoryRetryBudget(5);
    const asked = (failureClass: "infrastructure" | "unknown"): Promise<RetryGrant> =>
      budget.draw({ ...draw("x"), failure: { failureClass, rule: "none" } });
    expect(await asked("infrastructure")).toMatchObject({ granted: true, cost: 1, left: 4 });
    expect(await asked("unknown")).toMatchObject({
      granted: true,
      cost: RETRY_COSTS.unknown,
      left: 2,
    });
    expect((await asked("unknown")).granted).toBe(true);
    expect(await asked("infrastructure")).toMatchObject({
      granted: false,
      cost: 1,
      left: 0,
      refusedBy: "execution",
    });
  });

  test("takes a refund once", async () => {
    const budget = memoryRetryBudget(3);
    const first = await budget.draw(draw("x"));
    await budget.draw(draw("x"));
    first.refund();
    first.refund();
    expect((await budget.draw(draw("x"))).left).toBe(1);
  });
});

/** Draws around the run and around each call, and keeps what it was told. */
function drawing(name: string, grants: RetryGrant[], provided?: RetryBudget): Middleware {
  return defineMiddleware({
    name,
    options: {},
    async wrapRun(request, handler, { retryBudget }) {
      if (provided !== undefined) retryBudget.provide(provided);
      const outcome = await handler(request);
      grants.push(await retryBudget.draw({ ...draw(name), kind: "attempt", target: null }));
      return outcome;
    },
    async wrapModelCall(request, handler, { retryBudget }) {
      grants.push(await retryBudget.draw(draw(name)));
      return handler(request);
    },
  });
}

const input = (): object => ({ messages: [new HumanMessage("hello")] });
const thread = (id: string): object => ({ configurable: { thread_id: id } });

function graphOf(middleware: readonly Middleware[]) {
  const model = wrapModel(scriptedModel(() => ({ content: "hello" })));
  return withMiddleware(
    new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addEdge(START, "agent"),
    middleware,
    { checkpointer: new MemorySaver() },
  );
}

describe("the layers of a run", () => {
  test("draw on one budget, another run on another", async () => {
    const grants: RetryGrant[] = [];
    const graph = graphOf([drawing("outerMiddleware", grants), drawing("innerMiddleware", grants)]);
    for (const id of ["one", "two"]) await graph.invoke(input(), thread(id));
    const left = [1, 2, 3, 4].map((taken) => RETRY_CAPACITY - taken);
    expect(grants.map((grant) => grant.left)).toEqual([...left, ...left]);
  });

  test("draw on the budget that was provided first", async () => {
    const grants: RetryGrant[] = [];
    const asked: string[] = [];
    const provided = (name: string): RetryBudget => ({
      draw: async ({ by }) => {
        asked.push(`${name} by ${by}`);
        return memoryRetryBudget(0).draw(draw(by));
      },
    });
    const graph = graphOf([
      drawing("outerMiddleware", grants, provided("first")),
      drawing("innerMiddleware", grants, provided("second")),
    ]);
    await graph.invoke(input(), thread("one"));
    expect(grants.map(({ granted }) => granted)).toEqual([false, false, false, false]);
    expect(new Set(asked)).toEqual(
      new Set(["first by outerMiddleware", "first by innerMiddleware"]),
    );
  });

  test("share one in native createAgent, where there is no seam around the run", async () => {
    const grants: RetryGrant[] = [];
    const agent = createAgent({
      model: scriptedModel(() => ({ content: "hello" })),
      tools: [],
      middleware: [drawing("outerMiddleware", grants), drawing("innerMiddleware", grants)],
    });
    await agent.invoke(input() as never);
    expect(grants.map((grant) => grant.left)).toEqual([RETRY_CAPACITY - 1, RETRY_CAPACITY - 2]);
  });
});
