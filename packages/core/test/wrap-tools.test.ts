import { ToolMessage } from "@langchain/core/messages";
import { RunnableLambda } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { Command, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { defineMiddleware, withMiddleware, wrapTools } from "../src/index.ts";
import type { Middleware } from "../src/index.ts";
import { plain } from "./support/plain.ts";
import { spyMiddleware } from "./support/spy.ts";
import { calling, toolGraph } from "./support/tool-graph.ts";
import type { ToolNodeClass } from "./support/tool-graph.ts";

const Order = z.object({ order: z.number() });
const TOOLS = [
  tool(({ order }) => `order ${order}`, { name: "text", description: "", schema: Order }),
  tool(({ order }) => ({ order }), { name: "object", description: "", schema: Order }),
  tool(() => undefined, { name: "nothing", description: "", schema: Order }),
  tool(({ order }) => [`order ${order}`, { order }], {
    name: "artifact",
    description: "",
    schema: Order,
    responseFormat: "content_and_artifact",
  }),
  tool(() => new ToolMessage({ id: "own", content: "mine", tool_call_id: "own-call" }), {
    name: "message",
    description: "",
    schema: Order,
  }),
  tool(() => new Command({ goto: "elsewhere" }), {
    name: "command",
    description: "",
    schema: Order,
  }),
] as const;

interface Invokable {
  readonly name: string;
  invoke(input: unknown, config?: object): Promise<unknown>;
}

/** Runs `work` inside a node of a graph with middleware. */
async function inNode<Result>(
  middleware: Middleware,
  work: () => Promise<Result>,
): Promise<Result> {
  const results: Result[] = [];
  const graph = withMiddleware(
    new StateGraph(MessagesAnnotation)
      .addNode("tools", async () => {
        results.push(await work());
        return {};
      })
      .addEdge(START, "tools"),
    [middleware],
  );
  await graph.invoke({ messages: [] });
  return results[0] as Result;
}

describe.each(TOOLS.map((one) => ({ name: one.name, one: one as Invokable })))(
  "the tool $name",
  ({ name, one }) => {
    const [wrapped] = wrapTools([one]);
    const asCall = { type: "tool_call", name, args: { order: 7 }, id: "c1" };

    test("answers a tool call as it did", async () => {
      const spy = spyMiddleware();
      const output = await inNode(spy.middleware, () => wrapped.invoke(asCall));
      expect(plain(output)).toEqual(plain(await one.invoke(asCall)));
      expect(spy.tools).toEqual([`${name}:c1`]);
    });

    test("answers bare arguments as it did", async () => {
      const spy = spyMiddleware();
      const output = await inNode(spy.middleware, () => wrapped.invoke({ order: 7 }));
      expect(plain(output)).toEqual(plain(await one.invoke({ order: 7 })));
      expect(spy.tools).toEqual([expect.stringMatching(`^${name}:call:`)]);
    });

    test("does what it did outside a graph with middleware", async () => {
      expect(plain(await wrapped.invoke({ order: 7 }))).toEqual(
        plain(await one.invoke({ order: 7 })),
      );
    });
  },
);

describe("a wrapped tool", () => {
  const [text] = wrapTools([TOOLS[0]]);

  test("keeps its name, schema and class, and is wrapped once", () => {
    expect(text.name).toBe("text");
    expect(text.schema).toBe(TOOLS[0].schema);
    expect(text).toBeInstanceOf(TOOLS[0].constructor as new () => object);
    expect(wrapTools([text])[0]).toBe(text);
  });

  test("passes the middleware once in a ToolNode as well", async () => {
    const spy = spyMiddleware();
    const node = new ToolNode([text]) as unknown as InstanceType<ToolNodeClass>;
    const result = await toolGraph(node, [spy.middleware]).invoke(
      calling({ name: "text", args: { order: 7 }, id: "c1" }),
    );
    expect((result["messages"] as ToolMessage[]).at(-1)?.text).toBe("order 7");
    expect(spy.tools).toEqual(["text:c1"]);
  });

  test("passes the middleware for each call of a batch and in a sequence", async () => {
    const spy = spyMiddleware();
    const sequence = RunnableLambda.from((order: number) => ({ order })).pipe(text);
    const outputs = await inNode(spy.middleware, async () => [
      await text.batch([{ order: 1 }, { order: 2 }]),
      await sequence.invoke(3),
    ]);
    expect(outputs).toEqual([["order 1", "order 2"], "order 3"]);
    expect(spy.tools).toHaveLength(3);
  });

  test("shows a call made inside another tool as a call of its own", async () => {
    const spy = spyMiddleware();
    const [outer] = wrapTools([
      tool(({ order }) => text.invoke({ order }), {
        name: "outer",
        description: "",
        schema: Order,
      }),
    ]);
    expect(await inNode(spy.middleware, () => outer.invoke({ order: 7 }))).toBe("order 7");
    expect(spy.tools.map((seen) => seen.split(":")[0])).toEqual(["outer", "text"]);
  });

  test("gives what a middleware answers in its place", async () => {
    const cache = defineMiddleware({
      name: "cache",
      options: {},
      wrapToolCall: async ({ toolCall }) =>
        new ToolMessage({ content: "cached", tool_call_id: toolCall.id ?? "" }),
    });
    expect(await inNode(cache, () => text.invoke({ order: 7 }))).toBe("cached");
  });

  test("throws what the tool threw", async () => {
    const failure = new RangeError("closed");
    const [broken] = wrapTools([
      tool(
        () => {
          throw failure;
        },
        { name: "broken", description: "", schema: Order },
      ),
    ]);
    const work = inNode(spyMiddleware().middleware, () => broken.invoke({ order: 7 }));
    await expect(work).rejects.toBe(failure);
  });

  test("refuses what is no tool, saying what came", () => {
    expect(() => wrapTools(7 as never)).toThrow("wrapTools: number came; a list of tools");
    expect(() => wrapTools([{ name: "half" }])).toThrow("a LangChain tool");
  });
});
