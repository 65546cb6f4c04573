import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import {
  Command,
  MessagesAnnotation,
  MessagesValue,
  MessagesZodMeta,
  ReducedValue,
  START,
  StateGraph,
  StateSchema,
} from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { registry } from "@langchain/langgraph/zod";
import { createMiddleware } from "langchain";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { withMiddleware } from "../src/index.ts";
import type { ForeignMiddleware } from "../src/index.ts";
import { collect, thread } from "./support/both.ts";
import type { TestGraph } from "./support/both.ts";
import { createKit } from "./support/kit.ts";
import type { Kit } from "./support/kit.ts";

const INPUT = { messages: [new HumanMessage({ content: "Where is order 7?", id: "human-1" })] };
const TURNS = [
  { toolCalls: [{ name: "note", args: { text: "seven" }, id: "call-1" }] },
  { content: "It was delivered." },
];

const note = tool(
  ({ text }, runtime) => {
    const { state, toolCallId } = runtime as unknown as {
      state: { notes?: string[] };
      toolCallId: string;
    };
    const message = new ToolMessage({
      content: `after ${state.notes?.join(", ") || "nothing"}`,
      tool_call_id: toolCallId,
    });
    return new Command({ update: { notes: [text], messages: [message] } });
  },
  { name: "note", description: "Keeps a note", schema: z.object({ text: z.string() }) },
);

/** A middleware that brings state of its own, public and private, a tool and two wraps. */
function notebook(): ForeignMiddleware {
  const list = () =>
    new ReducedValue(
      z.array(z.string()).default(() => []),
      {
        inputSchema: z.array(z.string()),
        reducer: (all: string[], more: string[]) => [...all, ...more],
      },
    );
  return createMiddleware({
    name: "notebook",
    stateSchema: new StateSchema({ notes: list(), _asked: list() }),
    tools: [note],
    wrapModelCall: async (request, handler) => {
      await handler(request);
      const { messages } = request;
      return new Command({ update: { _asked: [`${messages.length} messages`] } });
    },
  });
}

const ZodState = z.object({
  messages: z.array(z.custom<BaseMessage>()).register(registry, MessagesZodMeta),
});

const STATES = [
  { title: "an Annotation", schema: MessagesAnnotation },
  { title: "a zod", schema: ZodState },
  { title: "a strict zod", schema: ZodState.strict() },
  { title: "a StateSchema", schema: new StateSchema({ messages: MessagesValue }) },
];

function agent(
  kit: Kit,
  schema: (typeof STATES)[number]["schema"],
  middleware: readonly ForeignMiddleware[],
): TestGraph {
  const lookUp = kit.tool("look_up");
  const model = kit.model(TURNS).bindTools([lookUp]);
  const builder = new StateGraph(schema as typeof MessagesAnnotation)
    .addNode("agent", async (state) => {
      seen.push(Object.keys(state));
      return { messages: [await model.invoke(state.messages)] };
    })
    .addNode("tools", new ToolNode([lookUp]))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent");
  return withMiddleware(builder, middleware, {
    checkpointer: kit.checkpointer,
  }) as unknown as TestGraph;
}

const seen: string[][] = [];

function textsOf(result: Record<string, unknown>): string[] {
  return (result["messages"] as BaseMessage[]).map(({ text }) => text);
}

describe.each(STATES)("a middleware with state of its own on $title state", ({ schema }) => {
  test("has its tool offered and run, and its state kept", async () => {
    const kit = createKit(true);
    const graph = agent(kit, schema, [notebook()]);
    const result = await graph.invoke(INPUT, thread());
    expect(textsOf(result)).toEqual([
      "Where is order 7?",
      "",
      "after nothing",
      "It was delivered.",
    ]);
    expect(result["notes"]).toEqual(["seven"]);
    expect((await graph.getState(thread())).values).toMatchObject({ notes: ["seven"] });
  });

  test("takes its state from the input, and gives it to its tool", async () => {
    const graph = agent(createKit(true), schema, [notebook()]);
    const result = await graph.invoke({ ...INPUT, notes: ["given"] }, thread());
    expect(textsOf(result)).toContain("after given");
    expect(result["notes"]).toEqual(["given", "seven"]);
  });

  test("keeps its private state in the thread and out of every view", async () => {
    const kit = createKit(true);
    const graph = agent(kit, schema, [notebook()]);
    const chunks = await collect(
      await graph.stream(INPUT, thread("t", { streamMode: ["values", "debug", "tasks"] })),
    );
    expect(JSON.stringify(chunks)).not.toContain("_asked");
    expect((await graph.getState(thread("t"))).values).not.toHaveProperty("_asked");
    const saved = await kit.checkpointer.getTuple(thread("t"));
    expect(saved?.checkpoint.channel_values["_asked"]).toEqual(["1 messages", "3 messages"]);
  });

  test("shows the user's nodes nothing of it", async () => {
    seen.length = 0;
    await agent(createKit(true), schema, [notebook()]).invoke(INPUT, thread());
    expect(seen).toEqual([["messages"], ["messages"]]);
  });
});

/** A graph of one model call with a system prompt. */
function oneCall(middleware: readonly ForeignMiddleware[], kit = createKit(true)): TestGraph {
  const model = kit.model([{ content: "Hello." }]);
  const builder = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({
      messages: [await model.invoke([new SystemMessage("You help."), ...messages])],
    }))
    .addEdge(START, "agent");
  return withMiddleware(builder, middleware) as unknown as TestGraph;
}

type Wrap = NonNullable<Parameters<typeof createMiddleware>[0]["wrapModelCall"]>;

function wrapping(name: string, wrapModelCall: Wrap): ForeignMiddleware {
  return createMiddleware({ name, wrapModelCall });
}

describe("a Command of a middleware", () => {
  const updating = (name: string, id: string): ForeignMiddleware =>
    wrapping(name, async (request, handler) => {
      await handler(request);
      return new Command({
        update: { messages: [new HumanMessage({ content: `from ${name}`, id })] },
      });
    });

  test("keeps the model's answer and adds its update", async () => {
    const result = await oneCall([updating("one", "a"), updating("two", "b")]).invoke(INPUT);
    expect(textsOf(result).toSorted()).toEqual(
      ["Where is order 7?", "Hello.", "from one", "from two"].toSorted(),
    );
  });

  test("is an AI message to the middleware around it", async () => {
    const answers: unknown[] = [];
    const outer = wrapping("outer", async (request, handler) => {
      const answer = await handler(request);
      answers.push(AIMessage.isInstance(answer));
      return answer;
    });
    await oneCall([outer, updating("inner", "a")]).invoke(INPUT);
    expect(answers).toEqual([true]);
  });
});

describe("a middleware sees and changes", () => {
  test("the system prompt as content blocks, apart from the messages", async () => {
    const shown: unknown[] = [];
    const kit = createKit(true);
    const spy = wrapping("spy", (request, handler) => {
      shown.push(request.systemPrompt, request.systemMessage.content, request.messages.length);
      return handler(request);
    });
    await oneCall([spy], kit).invoke(INPUT);
    expect(shown).toEqual(["You help.", [{ type: "text", text: "You help." }], 1]);
  });

  test.each([
    {
      how: "systemPrompt",
      wrap: ((request, handler) =>
        handler({ ...request, systemPrompt: `${request.systemPrompt} Briefly.` })) satisfies Wrap,
    },
    {
      how: "systemMessage",
      wrap: ((request, handler) =>
        handler({
          ...request,
          systemMessage: new SystemMessage("You help. Briefly."),
        })) satisfies Wrap,
    },
  ])("the system prompt by $how, also for the middleware inside it", async ({ wrap }) => {
    const prompts: unknown[] = [];
    const asked: unknown[] = [];
    const inner = wrapping("inner", (request, handler) => {
      prompts.push(request.systemPrompt, request.systemMessage.text);
      return handler(request);
    });
    const kit = createKit(true);
    const model = kit.model(({ messages }) => {
      asked.push(messages[0]?.text);
      return { content: "Hello." };
    });
    const graph = withMiddleware(
      new StateGraph(MessagesAnnotation)
        .addNode("agent", async ({ messages }) => ({
          messages: [await model.invoke([new SystemMessage("You help."), ...messages])],
        }))
        .addEdge(START, "agent"),
      [wrapping("outer", wrap), inner],
    );
    await graph.invoke(INPUT);
    expect(prompts).toEqual(["You help. Briefly.", "You help. Briefly."]);
    expect(asked).toEqual(["You help. Briefly."]);
  });

  test("a copy of the messages, so that editing them in place erases nothing saved", async () => {
    const kit = createKit(true);
    const asked: number[] = [];
    const model = kit.model(({ messages }) => {
      asked.push(messages.length);
      return { content: "Hello." };
    });
    const erasing = wrapping("erasing", (request, handler) => {
      request.messages.splice(0, 1);
      return handler(request);
    });
    const graph = withMiddleware(
      new StateGraph(MessagesAnnotation)
        .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
        .addEdge(START, "agent"),
      [erasing],
    );
    const result = await graph.invoke({
      messages: [...INPUT.messages, new HumanMessage({ content: "Well?", id: "human-2" })],
    });
    expect(asked).toEqual([1]);
    expect(result.messages.map(({ text }) => text)).toEqual([
      "Where is order 7?",
      "Well?",
      "Hello.",
    ]);
  });

  test("the run's context as its own schema makes it, which nobody else sees", async () => {
    const contexts: unknown[] = [];
    const own = createMiddleware({
      name: "own",
      contextSchema: z.object({ tone: z.string().default("kind") }),
      wrapModelCall: (request, handler) => {
        contexts.push(request.runtime.context);
        return handler(request);
      },
    }) as unknown as ForeignMiddleware;
    const other = wrapping("other", (request, handler) => {
      contexts.push(request.runtime.context);
      return handler(request);
    });
    await oneCall([own, other]).invoke(INPUT, { context: { user: "ada" } });
    expect(contexts).toEqual([{ tone: "kind" }, { user: "ada" }]);
  });
});

describe("the tools of a middleware", () => {
  test("are not offered where the call has no tools", async () => {
    const offered: unknown[] = [];
    const kit = createKit(true);
    const model = kit.model(({ parameters }) => {
      offered.push(parameters["tools"]);
      return { content: "Hello." };
    });
    const graph = withMiddleware(
      new StateGraph(MessagesAnnotation)
        .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
        .addEdge(START, "agent"),
      [notebook()],
    );
    await graph.invoke(INPUT);
    expect(offered).toEqual([undefined]);
  });

  test("give way to a tool of the user's by the same name", async () => {
    const kit = createKit(true);
    const own = kit.tool("note", () => "the user's own");
    const model = kit.model(TURNS).bindTools([own]);
    const graph = withMiddleware(
      new StateGraph(MessagesAnnotation)
        .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
        .addNode("tools", new ToolNode([own]))
        .addEdge(START, "agent")
        .addConditionalEdges("agent", toolsCondition)
        .addEdge("tools", "agent"),
      [notebook()],
    );
    const result = await graph.invoke(INPUT);
    expect(result.messages[2]?.text).toBe("the user's own");
    expect(kit.toolRuns).toEqual(["note:call-1"]);
  });
});
