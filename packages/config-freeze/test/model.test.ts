import { wrapModel } from "@evenkeel/core";
import { AIMessage, HumanMessage, SystemMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { RunnableBinding } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { Command, MemorySaver } from "@langchain/langgraph";
import type { ChatOpenAI } from "@langchain/openai";
import { AzureChatOpenAI } from "@langchain/openai";
import { fakeModel, initChatModel } from "langchain";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { configFreezeMiddleware } from "../src/index.ts";
import type { ConfigFreezeMiddlewareOptions, FrozenModel } from "../src/index.ts";
import { codeOf, deploy, thread } from "./support/agent.ts";
import { askTwice } from "./support/ask.ts";
import type { Ask } from "./support/ask.ts";
import { LIVE_KEY, modelOf, monday, toolsOf, tuesday } from "./support/shop.ts";
import { useWire } from "./support/wire.ts";

const wire = useWire({ script: () => ({ content: '{"answer":"yes"}' }) });

const gpt = (fields: Record<string, unknown> = {}): ChatOpenAI =>
  modelOf(monday, wire.endpoint().url, fields);
const lookup = (description: string): StructuredToolInterface =>
  tool(() => "x", { name: "look_up", description, schema: z.object({ order: z.string() }) });

interface Chat {
  bindTools(tools: unknown[], kwargs?: Record<string, unknown>): Chat;
  withConfig(config: Record<string, unknown>): Chat;
  withStructuredOutput(schema: unknown, options?: Record<string, unknown>): Chat;
  invoke(messages: unknown, config?: unknown): Promise<unknown>;
  stream(messages: unknown, config?: unknown): Promise<AsyncIterable<unknown>>;
}
const chat = (model: object): Chat => wrapModel(model) as Chat;
const asking =
  (model: Chat, prompt = "Help."): Ask =>
  (messages, config) =>
    model.invoke([new SystemMessage(prompt), ...messages], config);

function expectFrozen(): void {
  const [first, ...later] = wire.sent();
  expect(later).toHaveLength(2);
  expect(later).toEqual([first, first]);
}

describe("a model of the same class", () => {
  test.each([
    ["its settings", { maxTokens: 100, topP: 0.5 }, { maxTokens: 900, topP: 0.9 }],
    ["a setting that was not there", {}, { frequencyPenalty: 1 }],
    ["a setting that was dropped", { presencePenalty: 1 }, {}],
    ["a provider's own setting", { modelKwargs: { logit_bias: { a: 1 } } }, { modelKwargs: {} }],
    ["its reasoning effort", { reasoning: { effort: "low" } }, { reasoning: { effort: "high" } }],
    ["strict tool calling", { supportsStrictToolCalling: true }, {}],
  ])("keeps %s", async (_title, before, after) => {
    const bound = (fields: object): Ask =>
      asking(chat(gpt({ ...fields })).bindTools([lookup("Looks up.")]));
    await askTwice(bound(before), bound(after));
    expectFrozen();
  });

  test("is called with the key, the URL and the user of the live process", async () => {
    await askTwice(
      asking(chat(gpt({ user: "ada" }))),
      asking(chat(gpt({ temperature: 0.9, apiKey: "key-2", user: "bob" }))),
    );
    const keys = wire.endpoint().requests.map(({ headers }) => headers["authorization"]);
    expect(keys).toEqual([`Bearer ${LIVE_KEY}`, "Bearer key-2", "Bearer key-2"]);
    expect([0, 1, 2].map((at) => wire.body(at)["user"])).toEqual(["ada", "bob", "bob"]);
    expect([0, 1, 2].map((at) => wire.body(at)["temperature"])).toEqual([0.1, 0.1, 0.1]);
  });

  test("streams frozen as well", async () => {
    const streaming =
      (model: Chat, prompt: string): Ask =>
      async (messages) => {
        for await (const _chunk of await model.stream([new SystemMessage(prompt), ...messages])) {
          // The chunks are for somebody else.
        }
      };
    await askTwice(
      streaming(chat(gpt()), "Be kind."),
      streaming(chat(gpt({ model: "gpt-4.1", temperature: 0.9 })), "Be strict."),
    );
    expectFrozen();
    expect(wire.body(2)["stream"]).toBe(true);
  });
});

describe("what is bound to a model", () => {
  test("before it was wrapped is frozen: tools", async () => {
    const bound = (description: string, temperature: number): Ask =>
      asking(chat(gpt({ temperature }).bindTools([lookup(description)])));
    await askTwice(bound("Looks up.", 0.1), bound("Looks anything up.", 0.9));
    expectFrozen();
    expect(wire.sent()[0]?.rest).toContain("Looks up.");
  });

  test("before it was wrapped is frozen: call options", async () => {
    const bound = (stop: string, temperature: number): Ask =>
      asking(chat(gpt({ temperature }).withConfig({ stop: [stop] })));
    await askTwice(bound("A", 0.1), bound("B", 0.9));
    expectFrozen();
    expect(wire.body(0)["stop"]).toEqual(["A"]);
  });

  test("as a RunnableBinding is frozen: call options", async () => {
    const bound = (stop: string, temperature: number): Ask => {
      const kwargs = { stop: [stop] };
      const bound = gpt({ temperature });
      return asking(chat(new RunnableBinding({ bound, kwargs, config: { tags: ["a"] } } as never)));
    };
    await askTwice(bound("A", 0.1), bound("B", 0.9));
    expectFrozen();
  });

  test("with each call is frozen: tool choice, parallel calls, strictness", async () => {
    const bound = (kwargs: Record<string, unknown>, description: string): Ask =>
      asking(chat(gpt()).bindTools([lookup(description)], kwargs));
    await askTwice(
      bound({ tool_choice: "look_up", parallel_tool_calls: false, strict: true }, "Looks up."),
      bound({ tool_choice: "auto" }, "Looks anything up."),
    );
    expectFrozen();
    expect(wire.body(2)).toMatchObject({ parallel_tool_calls: false });
    expect(wire.sent()[2]?.rest).toContain('"strict":true');
  });

  test.each(["jsonSchema", "functionCalling"])(
    "as structured output by %s is frozen",
    async (method) => {
      const answers =
        (key: string): Ask =>
        async (messages) => {
          const model = chat(gpt()).withStructuredOutput(z.object({ [key]: z.string() }), {
            method,
          });
          // The answer of the script fits one of the two schemas: parsing is not what is tested.
          await model.invoke(messages).catch(() => undefined);
        };
      await askTwice(answers("answer"), answers("verdict"));
      expectFrozen();
    },
  );

  test("of LangGraph's config by a node that hands it on is no setting and no drift", async () => {
    const { events } = await askTwice(asking(chat(gpt())), asking(chat(gpt())));
    expect(events.filter(({ name }) => name === "config-drifted")).toEqual([]);
  });
});

describe("a model that cannot be constructed anew", () => {
  const azure = (): AzureChatOpenAI =>
    new AzureChatOpenAI({
      model: "gpt-4.1",
      azureOpenAIApiKey: "azure-key",
      azureOpenAIBasePath: wire.endpoint().url,
      azureOpenAIApiDeploymentName: "d",
      azureOpenAIApiVersion: "2024-10-21",
      maxRetries: 0,
    });
  const moved = (options: ConfigFreezeMiddlewareOptions = {}): Promise<unknown> =>
    askTwice(asking(chat(gpt())), asking(chat(azure())), options);

  test("ends the run with a code that says what was tried", async () => {
    const run = moved();
    await expect(run).rejects.toMatchObject({
      code: "model-not-rebuildable",
      message: expect.stringContaining('frozen to ChatOpenAI "gpt-5.2"'),
    });
  });

  test("is built by resolveModel across providers, and checked", async () => {
    const asked: FrozenModel[] = [];
    await moved({
      resolveModel: (frozen) => {
        asked.push(frozen);
        return gpt(frozen.fields);
      },
    });
    expectFrozen();
    expect(asked[0]).toMatchObject({ provider: "openai", name: "gpt-5.2" });
    expect(JSON.stringify(asked)).not.toContain(LIVE_KEY);
  });

  test("may be built asynchronously, as initChatModel builds", async () => {
    await moved({
      resolveModel: ({ name, provider, fields }) =>
        initChatModel(name ?? "", {
          ...fields,
          modelProvider: provider ?? "",
          apiKey: LIVE_KEY,
          configuration: { baseURL: wire.endpoint().url },
        } as never),
    });
    expectFrozen();
  });

  test.each([
    ["another model", () => gpt({ temperature: 0.7 }), "parameters.temperature"],
    ["nothing", () => undefined, "gave undefined"],
  ])("is refused where resolveModel gives %s", async (_title, resolveModel, why) => {
    await expect(moved({ resolveModel })).rejects.toMatchObject({
      code: "model-not-rebuildable",
      message: expect.stringContaining(why),
    });
  });

  test('is left for the live one with onDrift "warn"', async () => {
    const run = askTwice(
      asking(chat(gpt())),
      asking(chat(new FakeListChatModel({ responses: ["hi"] }))),
      { onDrift: "warn" },
    );
    expect(await codeOf(run)).toBeUndefined();
    expect(wire.sent()).toHaveLength(1);
  });
});

describe("a fake model without constructor fields", () => {
  test("that is the same goes on as it is", async () => {
    const fake = fakeModel();
    for (let call = 0; call < 3; call += 1) fake.respond(new AIMessage("hi"));
    await askTwice(asking(chat(fake)), asking(chat(fake)));
    expect(fake.callCount).toBe(3);
  });

  test("in place of a real one is refused with a code", async () => {
    const fake = fakeModel().respond(new AIMessage("hi"));
    const run = askTwice(asking(chat(gpt())), asking(chat(fake)));
    expect(await codeOf(run)).toBe("model-not-rebuildable");
  });
});

describe("a configurable model", () => {
  const configurable = (fields: Record<string, unknown> = {}): Promise<object> =>
    initChatModel("gpt-5.2", {
      modelProvider: "openai",
      configurableFields: ["model", "temperature"],
      temperature: 0.2,
      apiKey: LIVE_KEY,
      configuration: { baseURL: wire.endpoint().url },
      ...fields,
    } as never) as Promise<object>;

  test("keeps what `configurable` chose at the first call", async () => {
    const model = chat(await configurable()).bindTools([lookup("Looks up.")]);
    await askTwice(
      asking(model),
      asking(model),
      {},
      {
        before: { configurable: { model: "gpt-4.1" } },
        after: { configurable: { model: "gpt-5.9", temperature: 0.7 } },
      },
    );
    expectFrozen();
    expect(wire.body(2)).toMatchObject({ model: "gpt-4.1", temperature: 0.2 });
  });

  test("keeps its defaults over a deploy", async () => {
    const before = chat(await configurable());
    const after = chat(await configurable({ temperature: 0.9 }));
    await askTwice(asking(before), asking(after));
    expectFrozen();
  });

  test("keeps what withConfig chose", async () => {
    const before = chat(await configurable()).withConfig({ configurable: { model: "gpt-4.1" } });
    const after = chat(await configurable()).withConfig({ configurable: { model: "gpt-4.2" } });
    await askTwice(asking(before), asking(after));
    expectFrozen();
    expect(wire.body(2)["model"]).toBe("gpt-4.1");
  });

  test("keeps what a call chose for itself", async () => {
    const asks =
      (model: Chat, name: string): Ask =>
      (messages) =>
        model.invoke(messages, { configurable: { model: name } });
    const model = chat(await configurable());
    await askTwice(asks(model, "gpt-4.1"), asks(model, "gpt-4.2"));
    expectFrozen();
    expect(wire.body(2)["model"]).toBe("gpt-4.1");
  });
});

describe("the prompt", () => {
  const says =
    (prompt: BaseMessage[]): Ask =>
    (messages) =>
      chat(gpt()).invoke([...prompt, ...messages]);
  const cached = [{ type: "text", text: "Be kind.", cache_control: { type: "ephemeral" } }];

  test.each<[string, BaseMessage[], BaseMessage[]]>([
    ["one message", [new SystemMessage("Be kind.")], [new SystemMessage("Be strict.")]],
    [
      "several messages",
      [new SystemMessage("Be kind."), new SystemMessage("Be brief.")],
      [new SystemMessage("Be strict.")],
    ],
    [
      "fewer messages",
      [new SystemMessage("Be kind.")],
      [new SystemMessage("Be strict."), new SystemMessage("Be brief.")],
    ],
    ["content blocks", [new SystemMessage({ content: cached })], [new SystemMessage("Be strict.")]],
    ["no message at all", [], [new SystemMessage("Be strict.")]],
    ["one message, over none", [new SystemMessage("Be kind.")], []],
    [
      "a name",
      [new SystemMessage({ content: "Be kind.", name: "policy" })],
      [new SystemMessage({ content: "Be kind.", name: "rules" })],
    ],
    [
      "the role developer",
      [
        new SystemMessage({
          content: "Be kind.",
          additional_kwargs: { __openai_role__: "developer" },
        }),
      ],
      [new SystemMessage("Be strict.")],
    ],
  ])("of %s is frozen", async (_title, before, after) => {
    const model = { model: "gpt-4o" };
    const on =
      (prompt: BaseMessage[]): Ask =>
      (messages) =>
        chat(gpt(model)).invoke([...prompt, ...messages]);
    await askTwice(on(before), on(after));
    expectFrozen();
  });

  test("ends where the conversation begins: later system messages are the conversation's", async () => {
    const late = [new HumanMessage("hi"), new SystemMessage("The user has paid.")];
    await askTwice(says([new SystemMessage("A.")]), says([new SystemMessage("B."), ...late]));
    const messages = wire.body(2)["messages"] as { content: string }[];
    expect(messages.map(({ content }) => content).slice(0, 3)).toEqual([
      "A.",
      "hi",
      "The user has paid.",
    ]);
  });
});

describe("two deploys", () => {
  test("leave the execution on the configuration of the first", async () => {
    const saver = new MemorySaver();
    const agent = (release: typeof monday): ReturnType<typeof deploy> =>
      deploy({
        model: modelOf(release, wire.endpoint().url),
        prompt: release.prompt,
        tools: toolsOf(release),
        checkpointer: saver,
        middleware: [configFreezeMiddleware()],
      });
    const input = { messages: [new HumanMessage("hi")] };
    await agent(monday).invoke(input, thread("thread-1", { interruptAfter: ["agent"] }));
    const more = new Command({ update: { messages: [new HumanMessage("more")] }, goto: "agent" });
    await agent(tuesday).invoke(more, thread("thread-1", { interruptAfter: ["agent"] }));
    await agent({ ...tuesday, prompt: "You are gone." }).invoke(more, thread());
    expectFrozen();
  });
});
