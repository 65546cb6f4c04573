import { defineMiddleware, withMiddleware, wrapModel } from "@evenkeel/core";
import type { Middleware } from "@evenkeel/core";
import { startOpenAIEndpoint } from "@evenkeel/testing";
import type { OpenAIEndpoint } from "@evenkeel/testing";
import { HumanMessage, SystemMessage } from "@langchain/core/messages";
import { RunnableLambda } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { initChatModel } from "langchain";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";

let endpoint: OpenAIEndpoint;
beforeAll(async () => {
  endpoint = await startOpenAIEndpoint({ script: () => ({ json: { delivered: true } }) });
});
afterAll(() => endpoint.close());

const lookUp = tool(({ order }) => `order ${order}`, {
  name: "look_up",
  description: "Finds an order",
  schema: z.object({ order: z.number() }),
});
const refund = tool(() => "refunded", {
  name: "refund",
  description: "Pays back",
  schema: z.object({}),
});
const Verdict = z.object({ delivered: z.boolean() });
const CONVERSATION = [new SystemMessage("You help."), new HumanMessage("Where is order 7?")];
const PLAIN_TOOL = {
  type: "function" as const,
  function: { name: "plain", description: "Plain JSON", parameters: { type: "object" } },
};

type Wrap = <Model extends object>(model: Model) => Model;
type Use = (wrap: Wrap) => Promise<unknown>;

function chat(fields: Record<string, unknown> = {}): ChatOpenAI {
  return new ChatOpenAI({
    model: "gpt-5.2",
    apiKey: "none",
    maxRetries: 0,
    configuration: { baseURL: endpoint.url },
    ...fields,
  });
}

async function configurable(): Promise<ChatOpenAI> {
  const model = await initChatModel("openai:gpt-5.2", {
    configurableFields: ["model", "temperature"],
    apiKey: "none",
    maxRetries: 0,
    configuration: { baseURL: endpoint.url },
  });
  return model as unknown as ChatOpenAI;
}

async function drain(
  stream: Promise<AsyncIterable<unknown>> | AsyncIterable<unknown>,
): Promise<void> {
  for await (const _ of await stream);
}

const METHODS = ["jsonSchema", "functionCalling", "jsonMode"] as const;

const USES: readonly { title: string; use: Use }[] = [
  { title: "invoke with text", use: (wrap) => wrap(chat()).invoke("Hello?") },
  { title: "invoke with messages", use: (wrap) => wrap(chat()).invoke(CONVERSATION) },
  {
    title: "invoke with settings",
    use: (wrap) =>
      wrap(chat({ temperature: 0.2, maxTokens: 90, seed: 7 })).invoke(CONVERSATION, {
        stop: ["END"],
        tags: ["mine"],
      }),
  },
  {
    title: "invoke with a system message that is not the first",
    use: (wrap) => wrap(chat()).invoke([new HumanMessage("Hi"), new SystemMessage("You help.")]),
  },
  {
    title: "invoke with two system messages",
    use: (wrap) => wrap(chat()).invoke([new SystemMessage("One."), ...CONVERSATION]),
  },
  {
    title: "invoke with a system message of several parts",
    use: (wrap) =>
      wrap(chat()).invoke([
        new SystemMessage({
          content: [
            { type: "text", text: "You help." },
            { type: "text", text: "Briefly." },
          ],
        }),
        new HumanMessage("Hi"),
      ]),
  },
  {
    title: "invoke with an empty system message",
    use: (wrap) => wrap(chat()).invoke([new SystemMessage(""), new HumanMessage("Hi")]),
  },
  { title: "stream", use: (wrap) => drain(wrap(chat()).stream(CONVERSATION)) },
  {
    title: "streamEvents",
    use: (wrap) => drain(wrap(chat()).streamEvents(CONVERSATION, { version: "v2" })),
  },
  { title: "batch", use: (wrap) => wrap(chat()).batch([CONVERSATION, "Hello?"]) },
  {
    title: "pipe",
    use: (wrap) =>
      wrap(chat())
        .pipe(RunnableLambda.from((output: unknown) => output))
        .invoke("Hi"),
  },
  {
    title: "bindTools",
    use: (wrap) => wrap(chat()).bindTools([lookUp, refund]).invoke(CONVERSATION),
  },
  {
    title: "bindTools of a JSON definition",
    use: (wrap) => wrap(chat()).bindTools([lookUp, PLAIN_TOOL]).invoke(CONVERSATION),
  },
  {
    title: "bindTools with a tool choice",
    use: (wrap) =>
      wrap(chat())
        .bindTools([lookUp, refund], {
          tool_choice: "look_up",
          parallel_tool_calls: false,
          strict: true,
        })
        .invoke(CONVERSATION),
  },
  {
    title: "bindTools and stream",
    use: (wrap) => drain(wrap(chat()).bindTools([lookUp]).stream(CONVERSATION)),
  },
  {
    title: "bindTools and batch",
    use: (wrap) => wrap(chat()).bindTools([lookUp]).batch([CONVERSATION, "Hello?"]),
  },
  {
    title: "bindTools and withConfig",
    use: (wrap) =>
      wrap(chat())
        .bindTools([lookUp])
        .withConfig({ tags: ["mine"] })
        .invoke(CONVERSATION),
  },
  {
    title: "a model whose tools were bound before",
    use: (wrap) => wrap(chat().bindTools([lookUp], { tool_choice: "any" })).invoke(CONVERSATION),
  },
  {
    title: "withConfig",
    use: (wrap) =>
      wrap(chat())
        .withConfig({ stop: ["END"], response_format: { type: "json_object" } })
        .invoke(CONVERSATION),
  },
  {
    title: "withConfig, then bindTools",
    use: (wrap) => {
      const model = wrap(chat()).withConfig({ stop: ["END"] }) as unknown as ChatOpenAI;
      return model.bindTools([lookUp]).invoke(CONVERSATION);
    },
  },
  {
    title: "withRetry and withFallbacks",
    use: (wrap) => {
      const model = wrap(chat()).withRetry({ stopAfterAttempt: 2 });
      return model.withFallbacks([wrap(chat({ model: "gpt-5.1" }))]).invoke(CONVERSATION);
    },
  },
  ...METHODS.flatMap((method) => [
    {
      title: `withStructuredOutput by ${method}`,
      use: (wrap: Wrap) =>
        wrap(chat())
          .withStructuredOutput(Verdict, { method, name: "verdict" })
          .invoke(CONVERSATION),
    },
    {
      title: `withStructuredOutput by ${method} with the raw message`,
      use: (wrap: Wrap) =>
        wrap(chat())
          .withStructuredOutput(Verdict, { method, name: "verdict", includeRaw: true })
          .invoke(CONVERSATION),
    },
    {
      title: `a stream of withStructuredOutput by ${method}`,
      use: (wrap: Wrap) =>
        drain(
          wrap(chat()).withStructuredOutput(Verdict, { method, name: "verdict" }).stream("Hello?"),
        ),
    },
    {
      title: `initChatModel and withStructuredOutput by ${method}`,
      use: async (wrap: Wrap) =>
        wrap(await configurable())
          .withStructuredOutput(Verdict, { method, name: "verdict" })
          .invoke(CONVERSATION),
    },
  ]),
  {
    title: "initChatModel",
    use: async (wrap) => wrap(await configurable()).invoke(CONVERSATION),
  },
  {
    title: "initChatModel, configured in the call",
    use: async (wrap) =>
      wrap(await configurable()).invoke(CONVERSATION, { configurable: { model: "gpt-5.1" } }),
  },
  {
    title: "initChatModel and withConfig",
    use: async (wrap) =>
      wrap(await configurable())
        .withConfig({ configurable: { model: "gpt-5.1" } })
        .invoke(CONVERSATION),
  },
  {
    title: "initChatModel and bindTools",
    use: async (wrap) =>
      wrap(await configurable())
        .bindTools([lookUp])
        .invoke(CONVERSATION),
  },
  {
    title: "initChatModel, bindTools and withConfig",
    use: async (wrap) =>
      wrap(await configurable())
        .bindTools([lookUp])
        .withConfig({ configurable: { model: "gpt-5.1" } })
        .invoke(CONVERSATION),
  },
  {
    title: "initChatModel and stream",
    use: async (wrap) => drain(wrap(await configurable()).stream(CONVERSATION)),
  },
  {
    title: "initChatModel and batch",
    use: async (wrap) => wrap(await configurable()).batch([CONVERSATION, "Hello?"]),
  },
];

/** The bodies of the requests that `work` makes, as the endpoint received them, and what it gave. */
async function wireOf(work: () => Promise<unknown>): Promise<{ bodies: string[]; made: unknown }> {
  endpoint.clear();
  const made = await work();
  return { bodies: endpoint.requests.map(({ rawBody }) => rawBody), made: JSON.stringify(made) };
}

async function inGraph(work: () => Promise<unknown>, middleware: Middleware): Promise<unknown> {
  const results: unknown[] = [];
  const graph = withMiddleware(
    new StateGraph(MessagesAnnotation)
      .addNode("agent", async () => {
        results.push(await work());
        return {};
      })
      .addEdge(START, "agent"),
    [middleware],
    { strict: true },
  );
  await graph.invoke({ messages: [] });
  return results[0];
}

let calls = 0;
const passing = defineMiddleware({
  name: "passing",
  options: {},
  wrapModelCall(request, handler) {
    calls += 1;
    return handler(request);
  },
});
/** Gives every part of the request anew, so that the call cannot be made just as it came. */
const rebuilding = defineMiddleware({
  name: "rebuilding",
  options: {},
  wrapModelCall(request, handler) {
    calls += 1;
    return handler({
      ...request,
      messages: [...request.messages],
      tools: [...request.tools],
      modelSettings: { ...request.modelSettings },
    });
  },
});

const withoutIds = (made: unknown): string =>
  String(made).replaceAll(/chatcmpl-[\w-]+|\bcall_[\w-]+|[0-9a-f-]{36}/g, "id");

describe.each(USES)("$title", ({ use }) => {
  const asItIs: Wrap = (model) => model;

  test("sends outside a graph what the bare model sends", async () => {
    const one = await wireOf(() => use(asItIs));
    const two = await wireOf(() => use(wrapModel));
    expect(one.bodies).not.toEqual([]);
    expect(two.bodies).toEqual(one.bodies);
    expect(withoutIds(two.made)).toBe(withoutIds(one.made));
  });

  test.each([
    { how: "passes through a middleware", middleware: passing },
    { how: "is built anew by a middleware", middleware: rebuilding },
  ])("sends what the bare model sends where it $how", async ({ middleware }) => {
    const one = await wireOf(() => use(asItIs));
    calls = 0;
    const two = await wireOf(() => inGraph(() => use(wrapModel), middleware));
    expect(two.bodies).toEqual(one.bodies);
    expect(calls).toBe(one.bodies.length);
    expect(withoutIds(two.made)).toBe(withoutIds(one.made));
  });
});

describe("createReactAgent", () => {
  const models: readonly { title: string; model: (wrap: Wrap) => unknown }[] = [
    { title: "a model", model: (wrap) => wrap(chat()) },
    {
      title: "a model whose tools are bound",
      model: (wrap) => wrap(chat()).bindTools([lookUp], { parallel_tool_calls: false }),
    },
    {
      title: "a model whose tools were bound before",
      model: (wrap) => wrap(chat().bindTools([lookUp], { parallel_tool_calls: false })),
    },
  ];

  test.each(models)("sends with $title what the bare agent sends", async ({ model }) => {
    const agent = (wrap: Wrap) =>
      createReactAgent({
        llm: model(wrap) as ChatOpenAI,
        tools: [lookUp],
        prompt: "You help.",
        responseFormat: Verdict,
      });
    const input = { messages: [new HumanMessage("Where is order 7?")] };
    const one = await wireOf(() => agent((bare) => bare).invoke(input));
    const two = await wireOf(() =>
      withMiddleware(agent(wrapModel), [passing], { strict: true }).invoke(input),
    );
    expect(one.bodies).toHaveLength(2);
    expect(two.bodies).toEqual(one.bodies);
  });
});
