import { HumanMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { createDeepAgent } from "deepagents";
import { createAgent, createMiddleware, toolRetryMiddleware, toolStrategy } from "langchain";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { EvenkeelError, defineMiddleware, withMiddleware } from "../src/index.ts";
import type { AnyMiddleware } from "../src/index.ts";
import { thread } from "./support/both.ts";
import type { TestGraph } from "./support/both.ts";
import { createKit } from "./support/kit.ts";
import { plain } from "./support/plain.ts";
import { spyMiddleware } from "./support/spy.ts";
import type { Spy } from "./support/spy.ts";

const INPUT = { messages: [new HumanMessage({ content: "Where is order 7?", id: "human-1" })] };
const TURNS = [
  { toolCalls: [{ name: "look_up", args: { order: 7 }, id: "call-1" }] },
  { content: "It was delivered." },
];

interface Agent {
  invoke(input: unknown, config?: object): Promise<Record<string, unknown>>;
}

function agent(middleware: readonly unknown[]): Agent {
  const kit = createKit(false);
  return createAgent({
    model: kit.model(TURNS),
    tools: [kit.tool("look_up")],
    middleware: middleware as never,
    checkpointer: kit.checkpointer,
  });
}

function counting(count: z.ZodType): unknown {
  return createMiddleware({
    name: "counting",
    stateSchema: z.object({ count: count as z.ZodNumber }),
    beforeModel: (state) => ({ count: (state as { count: number }).count + 1 }),
  });
}

const CALLS = [
  { id: "call-1", name: "look_up", args: { order: 7 } },
  { id: "call-2", name: "look_up", args: { order: "seven" } },
  { id: "call-3", name: "unknown", args: { order: 7 } },
];

/** An agent whose tool throws, is called with what it does not take, and beside one that does not exist. */
function failingAgent(middleware: readonly unknown[] = [], calls = CALLS): Agent {
  const kit = createKit(false);
  const strict = tool(
    () => {
      throw new Error("no such order");
    },
    { name: "look_up", description: "the tool", schema: z.object({ order: z.number() }) },
  );
  return createAgent({
    model: kit.model([{ toolCalls: calls }, { content: "I could not find it." }]),
    tools: [strict],
    middleware: middleware as never,
  });
}

const passing = (name = "passing"): AnyMiddleware =>
  defineMiddleware({ name, options: {}, wrapToolCall: (request, handler) => handler(request) });
const ofLangChain = createMiddleware({
  name: "ofLangChain",
  wrapToolCall: (request, handler) => handler(request),
});
const around = (agentOf: Agent, stack: readonly AnyMiddleware[]): TestGraph =>
  withMiddleware(agentOf, stack) as unknown as TestGraph;

describe("a tool that throws in an agent of createAgent", () => {
  test("is answered to the model as without middleware", async () => {
    const one = await failingAgent().invoke(INPUT);
    const two = await around(failingAgent(), [passing(), passing("another")]).invoke(INPUT);
    // Of what did not fit the schema LangChain gives the model the stack trace as well.
    const said = (result: Record<string, unknown>): string[] =>
      (result["messages"] as BaseMessage[]).map(
        ({ type, text }) => `${type}: ${text.split("\n    at ")[0]}`,
      );
    expect(said(two)).toEqual(said(one));
    const texts = (two["messages"] as BaseMessage[]).map(({ text }) => text);
    expect(texts).toContain("Error: no such order\n Please fix your mistakes.");
    expect(texts.at(-1)).toBe("I could not find it.");
  });

  test("ends the run where it did: there is a wrapToolCall of LangChain's", async () => {
    await expect(failingAgent([ofLangChain]).invoke(INPUT)).rejects.toThrow("no such order");
    const own = around(failingAgent([ofLangChain]), [passing()]);
    await expect(own.invoke(INPUT)).rejects.toThrow("no such order");
    const added = around(failingAgent(), [passing(), ofLangChain]);
    await expect(added.invoke(INPUT)).rejects.toThrow("no such order");
  });

  test("is no excuse for what a middleware throws itself, and a refusal ends the run", async () => {
    const broken = defineMiddleware({
      name: "broken",
      options: {},
      async wrapToolCall(request, handler) {
        await handler(request).catch(() => undefined);
        throw new TypeError("the middleware is broken");
      },
    });
    await expect(
      around(failingAgent([], CALLS.slice(0, 1)), [broken]).invoke(INPUT),
    ).rejects.toThrow("the middleware is broken");
    const refusing = defineMiddleware({
      name: "refusing",
      options: {},
      wrapToolCall: async () => {
        throw new EvenkeelError({ code: "refused", message: "not today" });
      },
    });
    await expect(
      around(failingAgent([], CALLS.slice(0, 1)), [refusing]).invoke(INPUT),
    ).rejects.toThrow("not today");
  });
});

describe("an agent of createAgent", () => {
  test("begins with the defaults of its middleware's state", async () => {
    const one = await agent([counting(z.number().default(3))]).invoke(INPUT, thread());
    const wrapped = withMiddleware(agent([counting(z.number().default(3))]), [
      spyMiddleware().middleware,
    ]) as unknown as TestGraph;
    const two = await wrapped.invoke(INPUT, thread());
    expect(plain(two)).toEqual(plain(one));
    expect(two["count"]).toBe(5);
  });

  test("does not start without the state that its middleware requires", async () => {
    const one = agent([counting(z.number())]).invoke(INPUT, thread());
    await expect(one).rejects.toThrow("count: Required");
    // As under the LangGraph server, which also runs the graph and not the agent around it.
    const wrapped = withMiddleware(agent([counting(z.number())])) as unknown as TestGraph;
    await expect(wrapped.invoke(INPUT, thread())).rejects.toThrow('field "count"');
  });

  test("runs the middleware it was given, its own inside and the added outside", async () => {
    const order: string[] = [];
    const noting = (name: string): AnyMiddleware =>
      createMiddleware({
        name,
        wrapModelCall: (request, handler) => {
          order.push(name);
          return handler(request);
        },
      });
    const wrapped = withMiddleware(agent([noting("own")]), [noting("added")]);
    await (wrapped as unknown as TestGraph).invoke(INPUT, thread());
    expect(order).toEqual(["added", "own", "added", "own"]);
  });

  test("has the run seam for its own stack, with nothing added", async () => {
    const spy = spyMiddleware();
    const wrapped = withMiddleware(agent([spy.middleware])) as unknown as TestGraph;
    await wrapped.invoke(INPUT, thread());
    expect(spy.outcomes).toEqual(["completed"]);
    expect(spy.models).toHaveLength(2);
    expect(spy.tools).toEqual(["look_up:call-1"]);
    expect(spy.state).toMatchObject({ run: 1, "model 1": spy.models[0] });
  });

  test("keeps LangChain's own middleware as it was", async () => {
    const wrapped = withMiddleware(agent([toolRetryMiddleware({ maxRetries: 1 })]), [
      spyMiddleware().middleware,
    ]) as unknown as TestGraph;
    const result = await wrapped.invoke(INPUT, thread());
    expect((result["messages"] as BaseMessage[]).at(-1)?.text).toBe("It was delivered.");
  });

  test("refuses two middleware of one name", () => {
    const spy = (): Spy => spyMiddleware("twice");
    expect(() => withMiddleware(agent([spy().middleware]), [spy().middleware])).toThrow(
      expect.objectContaining({ code: "duplicate-middleware" }),
    );
  });
});

test("a structured response outlives a hook that keeps state around the call it came from", async () => {
  const kit = createKit(false);
  const form = toolStrategy(z.object({ delivered: z.boolean() }));
  const keeping = defineMiddleware({
    name: "keeping",
    options: {},
    state: { _kept: {} },
    async wrapModelCall(request, handler, { state }) {
      const result = await handler(request);
      state.write("_kept", { asked: true });
      return result;
    },
  });
  const native = createAgent({
    model: kit.model(({ parameters }) => {
      const [{ function: extract }] = parameters["tools"] as [{ function: { name: string } }];
      return { toolCalls: [{ name: extract.name, args: { delivered: true }, id: "call-1" }] };
    }),
    tools: [],
    responseFormat: form,
    middleware: [keeping] as never,
  }) as Agent;
  expect(await native.invoke(INPUT)).toMatchObject({ structuredResponse: { delivered: true } });
});

test("an agent of createDeepAgent keeps its recursion limit", () => {
  const deep = createDeepAgent({ model: createKit(false).model(TURNS) });
  const { config } = deep.graph as unknown as { config: { recursionLimit: number } };
  const wrapped = withMiddleware(deep as object, [spyMiddleware().middleware]);
  expect(config.recursionLimit).toBeGreaterThan(1_000);
  expect(wrapped).toHaveProperty(["config", "recursionLimit"], config.recursionLimit);
});
