import { HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import {
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
  interrupt,
} from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { afterEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";

import { scriptedModel } from "../../testing/src/model/scripted-model.ts";
import { defineMiddleware, withMiddleware, wrapModel } from "../src/index.ts";
import type { EvenkeelEvent, Middleware, MiddlewareDefinition } from "../src/index.ts";
import { currentMode, parseModes } from "../src/mode.ts";

const NAME = "subjectMiddleware";

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("the mode of a middleware", () => {
  test("is enforce where nobody says otherwise", () => {
    expect(currentMode({ name: NAME })).toBe("enforce");
  });

  test("is its own option", () => {
    expect(currentMode({ name: NAME, mode: "observe" })).toBe("observe");
  });

  test.for([
    ["subjectMiddleware=observe", "observe"],
    [" subjectMiddleware = off , other=observe", "off"],
    ["other=off", "enforce"],
    ["*=observe", "observe"],
    ["*=off,subjectMiddleware=enforce", "enforce"],
    ["subjectMiddleware=enforce,*=off", "enforce"],
    ["subjectMiddleware=observe,subjectMiddleware=off", "off"],
    ["", "enforce"],
  ] as const)("under EVENKEEL_MODE=%j is %j", ([text, mode]) => {
    vi.stubEnv("EVENKEEL_MODE", text);
    expect(currentMode({ name: NAME })).toBe(mode);
  });

  test("of the environment beats its own option", () => {
    vi.stubEnv("EVENKEEL_MODE", "subjectMiddleware=enforce");
    expect(currentMode({ name: NAME, mode: "off" })).toBe("enforce");
  });

  test.for(["subjectMiddleware", "=off", "subjectMiddleware=on", "a=b=off", "a=off,,b=off"])(
    "is refused with a coded error under EVENKEEL_MODE=%j",
    (text) => {
      expect(() => parseModes(text)).toThrow(
        expect.objectContaining({
          code: "invalid-options",
          message: expect.stringContaining("<enforce|observe|off>"),
        }),
      );
    },
  );
});

const add = tool(({ a, b }: { a: number; b: number }) => String(a + b), {
  name: "add",
  description: "adds",
  schema: z.object({ a: z.number(), b: z.number() }),
});
const more = tool(() => "more", { name: "more", description: "brings more", schema: z.object({}) });

interface Seen {
  /** Every request that reached the model, and the messages it ended with. */
  readonly run: string;
  readonly events: readonly EvenkeelEvent[];
  readonly error: unknown;
}

/** Runs a question that takes one tool call, on a graph with the middleware or on the bare one. */
async function run(middleware?: Middleware): Promise<Seen> {
  const model = scriptedModel(
    [
      { toolCalls: [{ id: "call_1", name: "add", args: { a: 1, b: 2 } }] },
      { content: "It is three." },
    ],
    { createId: () => "id" },
  );
  const bound = wrapModel(model).bindTools([add]);
  const builder = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({
      messages: [await bound.invoke([new SystemMessage("Add."), ...messages])],
    }))
    .addNode("tools", new ToolNode([add]))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent");
  const events: EvenkeelEvent[] = [];
  const checkpointer = new MemorySaver();
  const graph =
    middleware === undefined
      ? builder.compile({ checkpointer })
      : withMiddleware(builder, [middleware], {
          checkpointer,
          onEvent: (event) => events.push(event),
        });
  const input = { messages: [new HumanMessage({ id: "human", content: "1 + 2?" })] };
  const config = { configurable: { thread_id: "thread" } };
  const error: unknown = await graph.invoke(input, config).then(
    () => undefined,
    (failure: unknown) => failure,
  );
  const { messages } = (await graph.getState(config)).values as { messages: BaseMessage[] };
  const text = (list: readonly BaseMessage[]): unknown[] =>
    list.map((message) => [message.type, message.content]);
  const requests = model.calls.map(({ messages: sent, parameters }) => [text(sent), parameters]);
  return { run: JSON.stringify({ requests, messages: text(messages) }), events, error };
}

type Definition = Omit<MiddlewareDefinition<object>, "name" | "options">;
const subject = (definition: Definition): Middleware =>
  defineMiddleware({ name: NAME, options: {}, ...definition });

const acting: Readonly<Record<string, Definition>> = {
  "changes the model's request": {
    wrapModelCall: (request, handler) =>
      handler({ ...request, systemPrompt: `${request.systemPrompt} Be brief.` }),
  },
  "answers a tool call itself": {
    wrapToolCall: async ({ toolCall }) =>
      new ToolMessage({ tool_call_id: toolCall.id ?? "", content: "blocked" }),
  },
  "throws before the call": {
    wrapModelCall: async () => {
      throw new RangeError("not today");
    },
  },
  "asks a person": {
    wrapToolCall: (request, handler) => {
      interrupt("May it?");
      return handler(request);
    },
  },
  "returns before the call has ended": {
    wrapToolCall: async ({ toolCall, ...request }, handler) => {
      void handler({ toolCall, ...request }).catch(() => undefined);
      return new ToolMessage({ tool_call_id: toolCall.id ?? "", content: "early" });
    },
  },
};

describe("observe", () => {
  for (const [what, definition] of Object.entries(acting)) {
    test(`a middleware that ${what} leaves the run as it was, and says it would have acted`, async () => {
      const bare = await run();
      const enforced = await run(subject(definition));
      const observed = await run(subject({ ...definition, mode: "observe" }));
      expect(enforced.run).not.toBe(bare.run);
      expect(observed.run).toBe(bare.run);
      expect(observed.error).toBeUndefined();
      expect(observed.events.map(({ name, by }) => [name, by])).toContainEqual([
        "would-have-acted",
        NAME,
      ]);
    });
  }

  test("a middleware that only looks says nothing", async () => {
    const definition: Definition = {
      mode: "observe",
      wrapModelCall: (request, handler) => handler(request),
      wrapToolCall: (request, handler) => handler(request),
    };
    expect((await run(subject(definition))).events).toEqual([]);
  });

  test("the call is made once, however often the hook asks", async () => {
    const definition: Definition = {
      mode: "observe",
      retries: true,
      wrapModelCall: async (request, handler) => {
        await handler(request);
        return handler(request);
      },
    };
    expect((await run(subject(definition))).run).toBe((await run()).run);
  });

  test("tools it brings are not offered", async () => {
    const bare = await run();
    expect((await run(subject({ tools: [more] }))).run).not.toBe(bare.run);
    expect((await run(subject({ tools: [more], mode: "observe" }))).run).toBe(bare.run);
  });

  test("a failure that the hook would have answered fails the call, and is reported", async () => {
    const gone = new Error("the model is gone");
    const definition = (mode: "enforce" | "observe"): Definition => ({
      mode,
      wrapRun: async (request, handler) => {
        await handler(request);
        return { status: "completed" };
      },
      wrapModelCall: (request, handler) =>
        handler({ ...request }).catch(() => Promise.reject(new Error("another"))),
    });
    const failing = scriptedModel([{ error: gone }], { maxRetries: 0 });
    const builder = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({
        messages: [await wrapModel(failing).invoke(messages)],
      }))
      .addEdge(START, "agent");
    const events: EvenkeelEvent[] = [];
    const graph = (mode: "enforce" | "observe"): ReturnType<typeof builder.compile> =>
      withMiddleware(builder, [subject(definition(mode))], {
        onEvent: (event) => events.push(event),
      });
    const input = { messages: [new HumanMessage("Hello?")] };
    await expect(graph("observe").invoke(input)).rejects.toBe(gone);
    expect(events.filter(({ name }) => name === "would-have-acted")).toHaveLength(2);
  });
});

describe("off", () => {
  test.for(Object.entries(acting))(
    "a middleware that %s is not there at all",
    async ([, definition]) => {
      const off = await run(subject({ ...definition, mode: "off", tools: [more] }));
      expect(off.run).toBe((await run()).run);
      expect(off.events).toEqual([]);
    },
  );

  test("is switched by the environment between two runs of one graph", async () => {
    const middleware = subject(acting["answers a tool call itself"] ?? {});
    const bare = await run();
    expect((await run(middleware)).run).not.toBe(bare.run);
    vi.stubEnv("EVENKEEL_MODE", `${NAME}=off`);
    expect((await run(middleware)).run).toBe(bare.run);
  });
});
