import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { RunnableLambda } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import {
  Command,
  GraphInterrupt,
  InMemoryStore,
  MemorySaver,
  isGraphInterrupt,
} from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { CoreError, defineMiddleware } from "../src/index.ts";
import type { Handler, Middleware, ToolCallRequest, ToolResult } from "../src/index.ts";
import { thread } from "./support/both.ts";
import { plain } from "./support/plain.ts";
import { spyMiddleware } from "./support/spy.ts";
import { TOOL_NODES, calling, outcomeOf, toolGraph } from "./support/tool-graph.ts";
import type { ToolNodeClass } from "./support/tool-graph.ts";

const lookUp = tool(({ order }) => `order ${order} was delivered`, {
  name: "look_up",
  description: "Finds an order",
  schema: z.object({ order: z.number() }),
});
const broken = tool(
  () => {
    throw new RangeError("the warehouse is closed");
  },
  { name: "broken", description: "Never works", schema: z.object({}) },
);
const pair = tool(({ order }) => [`order ${order}`, { order }], {
  name: "pair",
  description: "Answers with an artifact",
  schema: z.object({ order: z.number() }),
  responseFormat: "content_and_artifact",
});
const blocks = tool(
  (_, config) =>
    new ToolMessage({
      id: "own",
      tool_call_id: config.toolCall?.id ?? "",
      name: "blocks",
      content: [
        { type: "text", text: "seen" },
        { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
      ],
      artifact: { bytes: 3 },
      additional_kwargs: { source: "camera" },
    }),
  { name: "blocks", description: "Answers with its own message", schema: z.object({}) },
);
const record = tool(({ order }) => ({ order, delivered: true }), {
  name: "record",
  description: "Answers with an object",
  schema: z.object({ order: z.number() }),
});
const command = tool(
  (_, config) =>
    new Command({
      update: {
        messages: [
          new ToolMessage({ id: "cmd", tool_call_id: config.toolCall?.id ?? "", content: "moved" }),
        ],
      },
    }),
  { name: "command", description: "Answers with a Command", schema: z.object({}) },
);
const surroundings = tool(
  async (_, runtime) => {
    const { state, store, toolCallId, context } = runtime as unknown as {
      state: { messages: unknown[] };
      store: InMemoryStore | null;
      toolCallId: string;
      context?: { user: string };
    };
    await store?.put(["seen"], "it", { toolCallId });
    return JSON.stringify([state.messages.length, toolCallId, context?.user]);
  },
  { name: "surroundings", description: "Says what it sees", schema: z.object({}) },
);
const TOOLS: StructuredToolInterface[] = [
  lookUp,
  broken,
  pair,
  blocks,
  record,
  command,
  surroundings,
];

function wrapping(
  name: string,
  wrapToolCall: (
    request: ToolCallRequest,
    handler: Handler<ToolCallRequest, ToolResult>,
  ) => Promise<ToolResult>,
): Middleware {
  return defineMiddleware({ name, options: {}, retries: true, wrapToolCall });
}

const CALLS = [
  { title: "a plain answer", call: { name: "look_up", args: { order: 7 }, id: "c1" } },
  { title: "an artifact", call: { name: "pair", args: { order: 7 }, id: "c1" } },
  { title: "a message of its own", call: { name: "blocks", args: {}, id: "c1" } },
  { title: "an object", call: { name: "record", args: { order: 7 }, id: "c1" } },
  { title: "a Command", call: { name: "command", args: {}, id: "c1" } },
  { title: "an error", call: { name: "broken", args: {}, id: "c1" } },
  { title: "arguments it refuses", call: { name: "look_up", args: { order: "x" }, id: "c1" } },
  { title: "a tool that does not exist", call: { name: "nope", args: {}, id: "c1" } },
  { title: "what surrounds it", call: { name: "surroundings", args: {}, id: "c1" } },
];

describe.each(TOOL_NODES)("$title", ({ Node }) => {
  const parts = (): object => ({ checkpointer: new MemorySaver(), store: new InMemoryStore() });
  const config = thread("t", { context: { user: "ada" } });

  describe.each([undefined, true, false])("with handleToolErrors %s", (handleToolErrors) => {
    const node = (): InstanceType<ToolNodeClass> =>
      new Node(TOOLS, handleToolErrors === undefined ? {} : { handleToolErrors });

    test.each(CALLS)("answers $title as without middleware", async ({ call }) => {
      const spy = spyMiddleware();
      const [one, two] = await Promise.all(
        [undefined, [spy.middleware]].map((stack) =>
          outcomeOf(toolGraph(node(), stack, parts()).invoke(calling(call), config)),
        ),
      );
      expect(plain(two)).toEqual(plain(one));
      expect(spy.tools).toEqual([`${call.name}:c1`]);
    });
  });

  test("answers every call of a turn, in its order", async () => {
    const calls = CALLS.map(({ call }, index) => ({ ...call, id: `c${index}` }));
    const spy = spyMiddleware();
    const [one, two] = await Promise.all(
      [undefined, [spy.middleware]].map((stack) =>
        toolGraph(new Node(TOOLS), stack, parts()).invoke(calling(...calls), config),
      ),
    );
    expect(plain(two)).toEqual(plain(one));
    expect(spy.tools).toHaveLength(calls.length);
  });

  test("leaves a tool alone where middleware answers in its place", async () => {
    const answer = wrapping(
      "answer",
      async ({ toolCall }) =>
        new ToolMessage({ id: "mine", content: "from the cache", tool_call_id: toolCall.id ?? "" }),
    );
    const result = await toolGraph(new Node([broken]), [answer]).invoke(
      calling({ name: "broken", args: {}, id: "c1" }),
    );
    expect((result["messages"] as ToolMessage[]).at(-1)).toMatchObject({
      id: "mine",
      content: "from the cache",
    });
  });

  test("runs the tool and the arguments that middleware gives it", async () => {
    const swap = wrapping("swap", (request, handler) =>
      handler({ ...request, tool: lookUp, toolCall: { ...request.toolCall, args: { order: 9 } } }),
    );
    const result = await toolGraph(new Node([broken]), [swap]).invoke(
      calling({ name: "broken", args: {}, id: "c1" }),
    );
    expect((result["messages"] as ToolMessage[]).at(-1)?.text).toBe("order 9 was delivered");
  });

  test("runs a tool that only middleware knows", async () => {
    const provide = wrapping("provide", (request, handler) =>
      handler({ ...request, tool: request.tool ?? lookUp }),
    );
    const result = await toolGraph(new Node([broken]), [provide]).invoke(
      calling({ name: "look_up", args: { order: 3 }, id: "c1" }),
    );
    expect((result["messages"] as ToolMessage[]).at(-1)?.text).toBe("order 3 was delivered");
  });

  test("shows middleware the error that the tool threw", async () => {
    const seen: unknown[] = [];
    const watch = wrapping("watch", async (request, handler) => {
      try {
        return await handler(request);
      } catch (error) {
        seen.push(error);
        throw error;
      }
    });
    await toolGraph(new Node([broken]), [watch]).invoke(
      calling({ name: "broken", args: {}, id: "c1" }),
    );
    expect(seen).toMatchObject([{ name: "RangeError", message: "the warehouse is closed" }]);
  });

  test("runs a tool again where middleware tries again", async () => {
    let tries = 0;
    const flaky = tool(
      () => {
        tries += 1;
        if (tries < 3) throw new Error("not yet");
        return "now";
      },
      { name: "flaky", description: "Works the third time", schema: z.object({}) },
    );
    const retry = wrapping("retry", async (request, handler) => {
      for (;;) {
        try {
          return await handler(request);
        } catch {
          continue;
        }
      }
    });
    const result = await toolGraph(new Node([flaky]), [retry]).invoke(
      calling({ name: "flaky", args: {}, id: "c1" }),
    );
    expect((result["messages"] as ToolMessage[]).at(-1)?.text).toBe("now");
    expect(tries).toBe(3);
  });

  test("lets a coded refusal of middleware end the run, whatever it does with errors", async () => {
    const refuse = wrapping("refuse", () => {
      throw new CoreError({ code: "invalid-options", message: "no" });
    });
    const graph = toolGraph(new Node([lookUp], { handleToolErrors: true }), [refuse]);
    const run = graph.invoke(calling({ name: "look_up", args: { order: 7 }, id: "c1" }));
    await expect(run).rejects.toMatchObject({ code: "invalid-options" });
  });

  test("lets a pause of middleware through by identity", async () => {
    const pause = new GraphInterrupt([{ id: "ask", value: "May I?" }]);
    let caught: unknown;
    const outer = wrapping("outer", async (request, handler) =>
      handler(request).catch((error: unknown) => {
        caught = error;
        throw error;
      }),
    );
    const inner = wrapping("inner", () => {
      throw pause;
    });
    const graph = toolGraph(new Node([lookUp], { handleToolErrors: true }), [outer, inner], {
      checkpointer: new MemorySaver(),
    });
    const result = await graph.invoke(
      calling({ name: "look_up", args: { order: 7 }, id: "c1" }),
      thread(),
    );
    expect(caught).toBe(pause);
    expect(isGraphInterrupt(caught)).toBe(true);
    expect(result["__interrupt__"]).toEqual([{ id: "ask", value: "May I?" }]);
  });

  test("is found in a binding and in a sequence", async () => {
    const call = calling({ name: "look_up", args: { order: 7 }, id: "c1" });
    const bound = new Node([lookUp]).withConfig({ tags: ["mine"] });
    const piped = new Node([lookUp]).pipe(RunnableLambda.from((output: unknown) => output));
    for (const node of [bound, piped]) {
      const spy = spyMiddleware();
      const result = await toolGraph(node as InstanceType<ToolNodeClass>, [spy.middleware]).invoke(
        call,
      );
      expect((result["messages"] as ToolMessage[]).at(-1)?.text).toBe("order 7 was delivered");
      expect(spy.tools).toEqual(["look_up:c1"]);
    }
  });

  test("stays usable outside, while a graph with middleware runs it", async () => {
    const node = new Node([lookUp]);
    const spy = spyMiddleware();
    const graph = toolGraph(node, [spy.middleware]);
    const call = calling({ name: "look_up", args: { order: 7 }, id: "c1" });
    const [, direct] = await Promise.all([graph.invoke(call), node.invoke(call as never)]);
    expect(direct.messages[0]?.text).toBe("order 7 was delivered");
    expect(spy.tools).toHaveLength(1);
  });
});

test("a ToolNode that waits before it looks its tool up is wrapped as well", async () => {
  class Patient extends ToolNode {
    protected override async runTool(...values: Parameters<ToolNode["runTool"]>) {
      await Promise.resolve();
      return super.runTool(...values);
    }
  }
  const spy = spyMiddleware();
  const node = new Patient([lookUp]) as unknown as InstanceType<ToolNodeClass>;
  const result = await toolGraph(node, [spy.middleware], { strict: true }).invoke(
    calling(
      { name: "look_up", args: { order: 7 }, id: "c1" },
      { name: "look_up", args: { order: 8 }, id: "c2" },
    ),
  );
  expect((result["messages"] as ToolMessage[]).slice(2).map(({ text }) => text)).toEqual([
    "order 7 was delivered",
    "order 8 was delivered",
  ]);
  expect(spy.tools).toEqual(["look_up:c1", "look_up:c2"]);
});

test("a ToolNode keeps what is long: ids of 1.5 KB, 5,000 messages, a result of 10 MB", async () => {
  const id = "c".repeat(1_500);
  const large = tool(() => "x".repeat(10_000_000), {
    name: "large",
    description: "Says much",
    schema: z.object({}),
  });
  const spy = spyMiddleware();
  const graph = toolGraph(new ToolNode([large]), [spy.middleware]);
  const { messages } = calling({ name: "large", args: {}, id }) as { messages: BaseMessage[] };
  const history = Array.from({ length: 5_000 }, (_, index) => new HumanMessage(`line ${index}`));
  const result = await graph.invoke({ messages: [...history, ...messages] });
  const all = result["messages"] as ToolMessage[];
  expect(all).toHaveLength(5_003);
  expect(all.at(-1)?.tool_call_id).toBe(id);
  expect(all.at(-1)?.text).toHaveLength(10_000_000);
  expect(spy.tools).toEqual([`large:${id}`]);
});

test("a ToolNode of a class of the user's own is wrapped as well", async () => {
  class Polite extends ToolNode {
    protected override async run(...values: Parameters<ToolNode["run"]>): Promise<never> {
      const output = (await super.run(...values)) as { messages: ToolMessage[] };
      for (const message of output.messages) message.content = `Please: ${message.text}`;
      return output as never;
    }
  }
  const spy = spyMiddleware();
  const node = new Polite([lookUp]) as unknown as InstanceType<ToolNodeClass>;
  const result = await toolGraph(node, [spy.middleware]).invoke(
    calling({ name: "look_up", args: { order: 7 }, id: "c1" }),
  );
  expect((result["messages"] as ToolMessage[]).at(-1)?.text).toBe("Please: order 7 was delivered");
  expect(spy.tools).toEqual(["look_up:c1"]);
});
