import { HumanMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { createDeepAgent } from "deepagents";
import { createAgent, createMiddleware, toolRetryMiddleware, toolStrategy } from "langchain";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { defineMiddleware, withMiddleware } from "../src/index.ts";
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
